import type { OutboxDelivery } from '../../gateway/domain/outbox.ts';
import { parseState, writeState } from './ship-state.ts';
import type { SharedStates } from './source.ts';

/**
 * The state of one outbox that several gateways deliver. Two of them may both believe for a moment that they lead. Then
 * compare-and-swap lets one of them write, and both send under the same tokens.
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
      throw new Error(`another gateway has taken over the delivery of ${source}`);
    },
  };
}
