import type { OutboxDelivery } from '../../gateway/domain/hold-store.ts';
import { parseState, writeState } from './ship-state.ts';
import type { SharedStates } from './source.ts';

/**
 * The books of one outbox that several gateways deliver. Two of them may both believe for a moment that it is their turn:
 * then compare-and-swap lets one of them write, and what both send goes out under the same tokens.
 */
export function createSharedStates(delivery: OutboxDelivery): SharedStates {
  return {
    home: delivery.home,
    isMine: () => delivery.lead(),
    async load() {
      const { version, state } = await delivery.load();
      return { ...parseState(state), version };
    },
    async save(source, state) {
      const { version = 0 } = state;
      if (await delivery.save(version, writeState(state))) return { ...state, version: version + 1 };
      throw new Error(`another gateway has gone on delivering ${source}`);
    },
  };
}
