import { MINUTE } from '../../helpers/hold.ts';
import { BEN, CLEO, DAN, OLGA } from './cast.ts';
import type { Call, Scene } from './scene.ts';

/** What the system does with a call before it answers the next one properly. */
export type Fate = 'answers' | 'breaks off first';

export type Story = {
  readonly name: string;
  readonly fate: Fate;
  /** How long after the beginning the gateway is back, milliseconds. */
  readonly backAfter: number;
  /** How each of the calls may end, by its task: as `status`, or as `execution` where it was approved. */
  readonly ends: Readonly<Record<string, readonly string[]>>;
  play(scene: Scene): Promise<void>;
};

/** Sent; or sent with nobody knowing, until somebody looked. */
const SENT = ['executed', 'confirmed-executed', 'confirmed-not'];

function story(
  name: string,
  ends: Story['ends'],
  play: Story['play'],
  rest: Partial<Pick<Story, 'fate' | 'backAfter'>> = {},
): Story {
  return { name, ends, play, fate: 'answers', backAfter: 12 * MINUTE, ...rest };
}

/** The worker with the caller sends it, and what became of it is found out. */
async function see(call: Call): Promise<void> {
  await call.release();
  await call.findOut(OLGA);
  await call.readAnswer();
}

export const stories: readonly Story[] = [
  story('two people approve a call, and it is sent', { a: SENT }, (scene) =>
    scene.here(async () => {
      const call = scene.call('a', { quorum: 2 });
      await call.open();
      await call.claim(BEN);
      scene.pass(MINUTE);
      await call.approve(BEN);
      await call.approve(CLEO);
      await see(call);
    }),
  ),

  story('a call is changed between two votes, and sent as it was changed', { a: SENT }, async (scene) => {
    const call = scene.call('a', { quorum: 2 });
    await call.open();
    await call.approve(BEN);
    await scene.here(async () => {
      await call.edit(CLEO, 450);
      await call.approve(DAN);
      await see(call);
    });
  }),

  story('policy asks again when the call is released', { a: SENT }, async (scene) => {
    const call = scene.call('a', { strict: true });
    await call.open();
    await call.approve(BEN);
    await scene.here(async () => {
      await call.release();
      await call.approve(CLEO);
    });
    await see(call);
  }),

  story('a call is rejected', { a: ['rejected'] }, async (scene) => {
    const call = scene.call('a', { quorum: 2 });
    await call.open();
    await call.approve(BEN);
    await scene.here(async () => {
      await call.reject(CLEO);
      await call.release();
    });
  }),

  story('a person does it instead', { a: ['taken-over'] }, async (scene) => {
    const call = scene.call('a');
    await call.open();
    await scene.here(async () => {
      await call.takeOver(BEN);
      await call.report(BEN);
      await call.release();
    });
  }),

  story(
    'nobody decides, and the call expires',
    { a: ['expired'] },
    async (scene) => {
      const call = scene.call('a');
      const { createdAt, expiresAt } = await call.open();
      await scene.here(async () => {
        for (const at of [createdAt + 11 * MINUTE, createdAt + 16 * MINUTE, expiresAt]) await scene.round('timers', at);
        await call.release();
      });
    },
    { backAfter: 40 * MINUTE },
  ),

  story('nobody collects an approval, and it lapses', { a: ['lapsed'] }, async (scene) => {
    const call = scene.call('a');
    await call.open();
    await call.approve(BEN);
    await scene.here(async () => {
      await scene.round('timers', (await call.hold()).redeemBy!);
      await call.release();
    });
  }),

  story('an approval covers the calls after it', { a: SENT, b: SENT, c: ['rejected'] }, async (scene) => {
    const [first, covered, oneTooMany] = [
      scene.call('a'),
      scene.call('b', { amount: 400 }),
      scene.call('c', { amount: 300 }),
    ];
    await first.open();
    await scene.here(async () => {
      await first.approve(BEN, 1);
      await covered.open();
      await covered.release();
      await oneTooMany.open();
    });
    await see(covered);
    await see(first);
    await oneTooMany.reject(CLEO);
  }),

  story('an agent is suspended', { a: SENT, b: ['superseded'], c: ['superseded'] }, async (scene) => {
    const [sent, approved, pending] = [
      scene.call('a'),
      scene.call('b', { amount: 400 }),
      // Beyond the grant, so that somebody has to decide.
      scene.call('c', { amount: 300, quorum: 2 }),
    ];
    if ((await pending.find()) === null) {
      await sent.open();
      await sent.approve(BEN, 5);
      await sent.release();
      // The grant covers it; nobody collects it.
      await approved.open();
      await pending.open();
    }
    await scene.here(async () => {
      if ((await pending.hold()).status !== 'superseded') await scene.suspend();
      await approved.release();
      await scene.resume();
    });
    await see(sent);
  }),

  story('a caller leaves with a handle, and the gateway sends its call', { a: SENT }, async (scene) => {
    const call = scene.call('a', { handle: true });
    await call.open();
    await call.approve(BEN);
    await scene.here(() => scene.round('handles'));
    await call.findOut(OLGA);
    await call.readAnswer();
  }),

  story(
    'the connection breaks off, and a person finds out',
    { a: ['confirmed-executed', 'confirmed-not'] },
    async (scene) => {
      const call = scene.call('a');
      await call.open();
      await call.approve(BEN);
      await scene.here(() => see(call));
    },
    { fate: 'breaks off first' },
  ),

  story(
    'the connection breaks off, and the call is sent once more under its key',
    { a: ['executed'] },
    async (scene) => {
      const call = scene.call('a', { system: 'ledger', keyed: false });
      await call.open();
      await call.approve(BEN);
      await scene.here(async () => {
        await call.release();
        await scene.round('resends', (await call.hold()).resendAt ?? 0);
        await call.readAnswer();
      });
    },
    { fate: 'breaks off first' },
  ),

  story('people are told', { a: ['rejected'] }, async (scene) => {
    const call = scene.call('a');
    const { createdAt } = await call.open();
    await scene.here(() => scene.round('notifications'));
    await call.reject(BEN);
    await scene.round('notifications', createdAt);
  }),
];

/** For the names of tests. */
export const byName = (some: readonly Story[]) => some.map((one) => [one.name, one] as const);
