import type { Call } from './call.ts';
import type { AgentRequest } from './message.ts';
import type { Principal } from './principal.ts';
import type { ConnectionReply, Reply } from './reply.ts';
import type { System } from './system.ts';

/** One HTTP request to the agents' listener. It may carry several calls. */
export type Exchange = {
  readonly request: AgentRequest;
  readonly reply: ConnectionReply;
  /** The system that owns the address at which the request arrived; null on the shared address. */
  readonly own: System | null;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** Set once it is known: a running call is cut off when its agent or system is suspended. */
  caller: Caller | null;
  /** Set once they are known, for those who look at the work in flight. */
  calls: readonly DescribedCall[];
};

/** The caller and the target, as far as the head of the request names them. */
export type Caller = {
  readonly principal: Principal;
  readonly system: System;
  /** Path and query below the system, byte for byte. */
  readonly target: string;
};

/** One call of an exchange, and the reply for it. */
export type DescribedCall = { readonly call: Call; readonly reply: Reply };
