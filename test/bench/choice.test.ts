import { expect, test } from 'vitest';
import { choose, chooseScenarios, peersOf } from '../../bench/choice.ts';
import { HOLDPOINT, NGINX, NGINX_OPA } from '../../bench/peer-names.ts';
import { PEERS } from '../../bench/peers.ts';
import { SCENARIOS } from '../../bench/scenarios.ts';
import { postAtHalf } from '../../bench/scenarios/half-load.ts';
import { postBySystems } from '../../bench/scenarios/systems.ts';
import { callTool, postAsLong } from '../../bench/scenarios/tool-call.ts';

const all = { scenarios: SCENARIOS, peers: PEERS };
const names = (items: readonly { readonly name: string }[]): string[] => items.map(({ name }) => name);

test('names of scenarios and of peers are unique, and scenarios refer only to peers and scenarios that exist', () => {
  expect(new Set(names([...SCENARIOS, ...PEERS])).size).toBe(SCENARIOS.length + PEERS.length);
  expect(names(PEERS)).toEqual(expect.arrayContaining(SCENARIOS.flatMap(({ peers = [] }) => [...peers])));
  expect(names(SCENARIOS)).toEqual(expect.arrayContaining(SCENARIOS.flatMap(({ beside }) => beside ?? [])));
  expect(names(SCENARIOS)).toEqual(
    expect.arrayContaining(SCENARIOS.flatMap((scenario) => (scenario.kind === 'half' ? [scenario.of] : []))),
  );
});

test('everything runs when nothing is named, and all scenarios run when only peers are named', () => {
  expect(choose(all, [])).toEqual(all);
  expect(choose(all, [HOLDPOINT])).toEqual({
    scenarios: SCENARIOS,
    peers: PEERS.filter((peer) => peer.name === HOLDPOINT),
  });
});

test('a part of a name chooses every name that has it, and a whole name only itself', () => {
  expect(names(choose(all, ['nginx']).peers)).toEqual([NGINX, NGINX_OPA]);
  expect(names(choose(all, [NGINX]).peers)).toEqual([NGINX]);
  expect(choose(all, ['systems with rules']).scenarios).toEqual(postBySystems);
});

test('half of saturation runs after the scenario that measures saturation', () => {
  expect(names(choose(all, ['half of saturation']).scenarios)).toEqual([postAtHalf.of, postAtHalf.name]);
});

test('a scenario that is compared with another one runs after it, except where it is wanted alone', () => {
  expect(names(choose(all, [callTool.name]).scenarios)).toEqual([postAsLong.name, callTool.name]);
  expect(names(chooseScenarios(SCENARIOS, [callTool.name]))).toEqual([callTool.name]);
  expect(() => chooseScenarios(SCENARIOS, [HOLDPOINT])).toThrow('--only holdpoint names no scenario');
});

test('a text that names nothing is an error, not a run of everything', () => {
  expect(() => choose(all, ['holdpiont'])).toThrow('--only holdpiont names no scenario and no peer');
});

test('a scenario for some peers leaves the others out', () => {
  expect(names(peersOf(postBySystems[0]!, PEERS))).toEqual([NGINX, HOLDPOINT]);
});
