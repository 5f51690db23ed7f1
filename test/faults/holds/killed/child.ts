import { flushCompileCache } from 'node:module';
import type { Forwarder } from '../../../../gateway/enforce/forwarder.ts';
import type { Place } from '../../../gateway/holds/store/engines.ts';
import { MINUTE } from '../../../helpers/hold.ts';
import { openGateway, type Gateway } from '../gateway.ts';
import { Scene } from '../scene.ts';
import { stories } from '../stories.ts';
import { arm, pass, watchStatements, type Point } from './points.ts';

/** One gateway process, told what to do by the test. */
export type Order =
  | {
      readonly type: 'play';
      readonly story: string;
      readonly agent: string;
      readonly now: number;
      /** At which point it is killed; null when it lives on. */
      readonly point: Point | null;
      /** The processes whose work it takes over. */
      readonly dead: readonly string[];
    }
  /** Opens the store, and is killed on the way there. */
  | { readonly type: 'open'; readonly point: Point | null }
  /** The system has got a call, and answers when it is told to. */
  | { readonly type: 'arrived' };

export type Report =
  | { readonly type: 'ready' }
  | { readonly type: 'done'; readonly now: number }
  | { readonly type: 'answer' }
  | { readonly type: 'failed'; readonly reason: string };

type Settings = { readonly name: string; readonly at: Place['at']; readonly upstream: string };

const settings = JSON.parse(process.argv[2]!) as Settings;
const tell = (report: Report) => void process.send!(report);
const failed = (error: unknown) => tell({ type: 'failed', reason: String((error as Error)?.stack ?? error) });

watchStatements();

let opened: Promise<Gateway> | null = null;

function open(now: number): Promise<Gateway> {
  opened ??= openGateway({
    ...settings,
    now,
    failed,
    forwarding,
    delivering:
      (deliver) =>
      async (...message) => {
        pass('before a message is sent');
        const receipt = await deliver(...message);
        pass('when a message was sent');
        return receipt;
      },
  });
  return opened;
}

let whenArrived = () => {};

/** Around each call: before it goes out, when the system has it, when its answer begins, and when that has ended. */
function forwarding(forwarder: Forwarder): Forwarder {
  return {
    ...forwarder,
    async send(system, request, answer) {
      pass('before the call is sent');
      const arrived = new Promise<void>((resolve) => (whenArrived = resolve));
      const sending = forwarder.send(system, request, {
        head(status, headers) {
          answer.head(status, headers);
          pass('when the answer begins');
        },
        data: (chunk) => answer.data(chunk),
        end: (trailers) => answer.end(trailers),
        broken: () => answer.broken(),
        onDrain: (resume) => answer.onDrain(resume),
        onGone: (abort) => answer.onGone(abort),
      });
      await arrived;
      pass('when the call has arrived');
      tell({ type: 'answer' });
      const delivery = await sending;
      pass('when the answer has ended');
      return delivery;
    },
  };
}

async function play({ story, agent, now, point, dead }: Order & { type: 'play' }): Promise<void> {
  const gateway = await open(now);
  gateway.now = now;
  const scene = new Scene(gateway, agent);
  if (dead.length === 0) {
    scene.here = async (part) => {
      arm(point);
      await part();
      pass('at the end');
      arm(null);
    };
  } else {
    arm(point);
    await gateway.takeOver(dead);
    // By then whatever the dead had taken into their hands is free again.
    gateway.now += 3 * MINUTE;
    await gateway.timers.tick();
    await gateway.resends.tick();
  }
  await stories.find((one) => one.name === story)!.play(scene);
  pass('at the end');
  arm(null);
  tell({ type: 'done', now: gateway.now });
}

process.on('message', (order: Order) => {
  if (order.type === 'arrived') whenArrived();
  else if (order.type === 'play') play(order).catch(failed);
  else {
    arm(order.point);
    open(0).then(() => tell({ type: 'done', now: 0 }), failed);
  }
});
process.on('disconnect', () => process.exit());
// Node would write down what it has compiled when it ends; a process that is killed does not get to that.
flushCompileCache();
tell({ type: 'ready' });
