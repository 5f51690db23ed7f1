/** What an approval binds to. */
export type Action = {
  readonly agent: string;
  readonly onBehalfOf: readonly string[];
  readonly method: string;
  /** The system and the target below it, byte for byte, such as `/payments/v1/refunds?expand=charge`. */
  readonly url: string;
  /** Names and values alternating, as received. */
  readonly headers: readonly string[];
  /** The exact bytes that would be sent. */
  readonly body: Buffer;
};
