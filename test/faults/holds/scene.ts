import { isRefusal, type HoldCommand } from '../../../gateway/domain/hold-command.ts';
import { assertCall, type CallHold } from '../../../gateway/domain/hold.ts';
import { createId } from '../../../gateway/domain/id.ts';
import type { Reviewer } from '../../../gateway/domain/principal.ts';
import { isOpen } from '../../../gateway/domain/hold.ts';
import { digest } from '../../helpers/hold.ts';
import { callOf, draftOf, rulesOf, termsOf, OLGA, type Asked } from './cast.ts';
import type { Gateway } from './gateway.ts';

/**
 * What the agent with one name and the people around it do. Everybody looks first whether it is done already, so that
 * the same story can be told from the beginning after any interruption.
 */
export class Scene {
  readonly agent: string;
  readonly gateway: Gateway;

  constructor(gateway: Gateway, agent: string) {
    this.gateway = gateway;
    this.agent = agent;
  }

  call(task: string, changes: Partial<Omit<Asked, 'agent' | 'task'>> = {}): Call {
    const usual = { system: 'payments', amount: 500, quorum: 1, keyed: true, handle: false, strict: false } as const;
    return new Call(this, { ...usual, ...changes, agent: this.agent, task });
  }

  /** What happens before everything that somebody does. */
  meanwhile: () => void = () => {};
  /** Around the part of the story that is this story's own; other stories are about the rest. */
  here: (part: () => Promise<void>) => Promise<void> = (part) => part();

  /** Time passes, at least until then; it never runs backwards here. */
  until(at: number): void {
    this.gateway.now = Math.max(this.gateway.now, at);
  }

  pass(ms: number): void {
    this.gateway.now += ms;
  }

  /** The gateway does something by itself, when it is that late. */
  async round(of: 'timers' | 'handles' | 'resends' | 'notifications', at = 0): Promise<void> {
    this.meanwhile();
    this.until(at);
    await this.gateway[of].tick();
  }

  async suspend(): Promise<void> {
    this.meanwhile();
    const { suspensions } = this.gateway.store;
    const whom = { kind: 'agent', name: this.agent } as const;
    await suspensions.suspend({ ...whom, by: OLGA.id, channel: 'api', reason: null });
  }

  async resume(): Promise<void> {
    this.meanwhile();
    const { suspensions } = this.gateway.store;
    const suspended = (await suspensions.list()).some(({ name }) => name === this.agent);
    if (suspended) await suspensions.resume('agent', this.agent, OLGA.id, 'api');
  }
}

export class Call {
  readonly #scene: Scene;
  readonly asked: Asked;

  constructor(scene: Scene, asked: Asked) {
    this.#scene = scene;
    this.asked = asked;
  }

  get #gateway(): Gateway {
    return this.#scene.gateway;
  }

  /** The hold that the call has; null before it was opened. */
  async find(): Promise<CallHold | null> {
    const { agent, task } = this.asked;
    const { items } = await this.#gateway.store.holds.list({ agent, limit: 100 });
    const hold = items.find(({ claims }) => claims.task === task);
    return hold ? assertCall(hold) : null;
  }

  async hold(): Promise<CallHold> {
    const hold = await this.find();
    if (!hold) throw new Error(`${this.asked.agent} has not called ${this.asked.task}`);
    return hold;
  }

  /** An agent that got no answer sends its call again; one that knows how it ended does not. */
  async open(): Promise<CallHold> {
    this.#scene.meanwhile();
    const known = await this.find();
    if (known && !isOpen(known)) return known;
    const draft = draftOf(this.asked, { callId: createId('call'), decisionId: createId('dec') });
    return (await this.#gateway.store.holds.open(draft)).hold;
  }

  claim(by: Reviewer): Promise<CallHold> {
    return this.#if(
      ({ status, votes }) => status === 'pending' && votes.length === 0,
      ({ revision }) => ({ type: 'claim', by, channel: 'api', revision }),
    );
  }

  approve(by: Reviewer, uses = 0): Promise<CallHold> {
    const until = this.#gateway.now + 3_600_000;
    const grant = uses > 0 ? { uses, until, open: ['/amount'] } : null;
    return this.#if(
      (hold) => hold.status === 'pending' && !approvedBy(hold, by),
      ({ revision }) => ({ type: 'approve', by, channel: 'api', revision, note: null, seenAt: null, grant }),
    );
  }

  edit(by: Reviewer, amount: number): Promise<CallHold> {
    const { agent, system, quorum, strict } = this.asked;
    const call = callOf(this.asked, amount);
    const whose = { principal: { agent, onBehalfOf: [], owner: '', roles: [] }, system };
    return this.#if(
      ({ status, editors }) => status === 'pending' && editors.length === 0,
      ({ revision }) => ({
        type: 'edit',
        by,
        channel: 'api',
        revision,
        note: null,
        seenAt: null,
        call,
        digest: digest(whose, call),
        envelope: digest.envelope(whose, call),
        judgement: { rules: rulesOf(strict), reason: 'asks', terms: termsOf(quorum), cost: null, policyRevision: 'p1' },
      }),
    );
  }

  reject(by: Reviewer): Promise<CallHold> {
    return this.#if(
      ({ status }) => status === 'pending',
      ({ revision }) => ({ type: 'reject', by, channel: 'api', revision, code: 'not-now', note: 'next week' }),
    );
  }

  takeOver(by: Reviewer): Promise<CallHold> {
    return this.#if(
      ({ status }) => status === 'pending',
      ({ revision }) => ({ type: 'take-over', by, channel: 'api', revision, note: null }),
    );
  }

  report(by: Reviewer): Promise<CallHold> {
    return this.#if(
      ({ status, outcome }) => status === 'taken-over' && outcome === null,
      (hold) => outcome(hold, by, true),
    );
  }

  /** The worker with the caller sends what is approved. */
  async release(): Promise<void> {
    this.#scene.meanwhile();
    const hold = await this.hold();
    if (hold.status === 'approved' && hold.execution === 'none') await this.#gateway.releaser.release(hold, null);
  }

  /** Somebody looks into the system for a call of unknown outcome, and says what is there. */
  async findOut(by: Reviewer): Promise<CallHold> {
    const { agent: customer } = this.asked;
    return await this.#if(
      ({ execution, resendAt }) => execution === 'indeterminate' && resendAt === null,
      async (hold) => {
        const body = (await this.#gateway.store.contents.call(hold.id))!.body.toString();
        const { amount } = JSON.parse(body) as { amount: number };
        const answer = await fetch(`${this.#gateway.upstream}/refunds?customer=${customer}&amount=${amount}`);
        return outcome(hold, by, (await answer.text()) === 'there');
      },
    );
  }

  /** The agent reads the answer that was kept for it. */
  async readAnswer(): Promise<void> {
    const { id, execution } = await this.hold();
    const kept = await this.#gateway.store.contents.response(id);
    const right = execution === 'executed' ? kept?.body.toString() === 'refunded' && kept.complete : kept === null;
    if (!right) throw new Error(`${id} is ${execution} and its answer is ${kept ? 'there' : 'not there'}`);
  }

  async #if(
    due: (hold: CallHold) => boolean,
    command: (hold: CallHold) => HoldCommand | Promise<HoldCommand>,
  ): Promise<CallHold> {
    this.#scene.meanwhile();
    const hold = await this.hold();
    if (!due(hold)) return hold;
    const result = await this.#gateway.store.holds.apply(hold.id, await command(hold));
    if (isRefusal(result)) throw new Error(result.detail);
    return assertCall(result);
  }
}

const approvedBy = ({ votes, revision }: CallHold, by: Reviewer) =>
  votes.some((vote) => vote.reviewer === by.id && vote.revision === revision);

const outcome = ({ revision }: CallHold, by: Reviewer, executed: boolean): HoldCommand => ({
  type: 'outcome',
  by,
  channel: 'api',
  revision,
  reference: 're_1',
  note: null,
  result: executed ? 'executed' : 'not-executed',
});
