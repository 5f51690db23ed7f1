/** Called after each of `total` steps: how many are done, and about how long the others will take. */
export function remaining(total: number, now: () => number = () => performance.now()): () => string {
  const begun = now();
  let done = 0;
  return () => {
    done += 1;
    const seconds = ((now() - begun) / 1000 / done) * (total - done);
    const left = seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`;
    return `[${done}/${total}${done < total ? `, about ${left} left` : ''}]`;
  };
}
