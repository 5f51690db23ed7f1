import type { Call } from '../domain/call.ts';
import type { CallHold, DigestAction, HeldCall } from '../domain/hold.ts';

/** Bytes of bodies that are kept until their digest is needed. Beyond that, calls are digested at once. */
const KEPT_BYTES = 16 * 2 ** 20;
/** Most calls that are remembered while the store is away. Beyond that, the oldest are forgotten. */
const MOST_CALLS = 200_000;

type Sent = Pick<Call, 'id' | 'principal' | 'system' | 'path'> & {
  readonly at: number;
  readonly method: string;
  /** What the digest is of, until it is known: few of these calls are ever compared with a hold. */
  action: Pick<HeldCall, 'method' | 'target' | 'headers' | 'body'> | null;
  digest: string | null;
};

/** Allowed calls that this process sent lately, and may have sent while the same call was being held elsewhere. */
export class RecentSends {
  readonly #digest: DigestAction;
  #sent: Sent[] = [];
  #bytes = 0;
  #forgotten = 0;

  constructor(digest: DigestAction) {
    this.#digest = digest;
  }

  /** How many calls were added so far. */
  get added(): number {
    return this.#forgotten + this.#sent.length;
  }

  /** @param at milliseconds since the epoch */
  add({ id, principal, system, path, method, target, headers, body }: Call, at: number): void {
    const sent: Sent = { id, principal, system, path, method, at, digest: null, action: null };
    sent.action = { method, target, headers, body };
    this.#bytes += body.length;
    if (this.#bytes > KEPT_BYTES) this.#digestOf(sent);
    this.#sent.push(sent);
    if (this.#sent.length > MOST_CALLS) this.forget(this.#forgotten + MOST_CALLS / 2);
  }

  /** The id of a call like the held one that was sent at `since` or later. */
  twinOf({ principal: { agent }, system, method, path, askedDigest }: CallHold, since: number): string | null {
    const twin = this.#sent.find(
      (sent) =>
        sent.at >= since &&
        sent.principal.agent === agent &&
        sent.system === system &&
        sent.method === method &&
        sent.path === path &&
        this.#digestOf(sent) === askedDigest,
    );
    return twin?.id ?? null;
  }

  /** Forgets the first `count` calls of all that were added. */
  forget(count: number): void {
    const forgotten = this.#sent.splice(0, Math.max(0, count - this.#forgotten));
    for (const { action } of forgotten) this.#bytes -= action?.body.length ?? 0;
    this.#forgotten += forgotten.length;
  }

  #digestOf(sent: Sent): string {
    if (sent.action) {
      sent.digest = this.#digest(sent, sent.action);
      this.#bytes -= sent.action.body.length;
      sent.action = null;
    }
    return sent.digest!;
  }
}
