/** Why a message did not arrive. The text goes into the store and to operators: never an URL, a credential, an answer. */
export class DeliveryError extends Error {
  /** `unreachable`: no answer; `refused`: an error that may pass; `gone`: an error for good. */
  readonly because: 'unreachable' | 'refused' | 'gone';
  /** Milliseconds for which the other side wants to be left alone; null when it did not say. */
  readonly retryAfter: number | null;

  constructor(because: DeliveryError['because'], message: string, retryAfter: number | null = null) {
    super(message);
    this.name = 'DeliveryError';
    this.because = because;
    this.retryAfter = retryAfter;
  }
}
