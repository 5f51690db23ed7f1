import type { Artifact, Handoff, HandoffAnswer } from './handoff.ts';
import type { HeldCall, HeldResponse } from './hold.ts';

/** What is kept encrypted with a hold. Each resolves with null when there is none, or none any more. */
export type HoldContents = {
  /** The held call as it would be sent now; of another revision where one is named. */
  call(id: string, revision?: number): Promise<HeldCall | null>;
  /** The upstream's answer. */
  response(id: string): Promise<HeldResponse | null>;
  /** What an exception or a relay was opened with. */
  handoff(id: string): Promise<Handoff | null>;
  artifact(id: string, name: string): Promise<Artifact | null>;
  answer(id: string): Promise<HandoffAnswer | null>;
};
