/** The requests of this process that wait, by what their clients call them, so that the clients can cancel them. */
export type Cancellations = {
  /**
   * Calls `leave` when the request is cancelled. Returns what ends that.
   * @param request as `Call.mcp` names it
   */
  onCancelled(request: string, leave: () => void): () => void;
  cancelled(request: string): void;
};

export function createCancellations(): Cancellations {
  const waiting = new Map<string, () => void>();
  return {
    onCancelled(request, leave) {
      waiting.set(request, leave);
      return () => {
        if (waiting.get(request) === leave) waiting.delete(request);
      };
    },
    cancelled: (request) => waiting.get(request)?.(),
  };
}
