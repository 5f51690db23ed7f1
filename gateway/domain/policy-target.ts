/** What a policy is written for: a gateway, as far as it is known. */
export type PolicyTarget = {
  /** The names of the systems; null if no configuration is known. */
  readonly systems: readonly string[] | null;
  /** Why policies never see a request header of a system, and what to do; null if they may. Null stands for any system. */
  readonly whyHeaderNeverThere: (name: string, system: string | null) => string | null;
  /** Whether calls of the system may be messages of MCP; also true if that is not known. */
  readonly speaksMcp: (system: string) => boolean;
  /** Whether drift rules see a response header, in lower case. */
  readonly showsAnswerHeader: (name: string) => boolean;
};
