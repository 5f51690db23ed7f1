/**
 * What a page measures of itself, by the page's own clock. It is text because it runs in the browser. `paint` is when the
 * queue was first painted. `arm(names)` waits for the next key; `took` then resolves to the milliseconds from that key, as
 * the browser stamped it, to the frame in which each of these states has changed.
 */
export const PROBE = `
(() => {
  const afterFrame = (act) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => act(performance.now());
    port2.postMessage(0);
  });
  const states = {
    row: () => document.activeElement?.dataset?.hold ?? null,
    headline: () => document.querySelector('.headline'),
    whole: () => document.querySelector('main[aria-busy="false"] .headline'),
  };
  const probe = (window.probe = { paint: null, took: null });
  const until = (state) => new Promise((resolve) => {
    addEventListener('keydown', ({ timeStamp }) => {
      const before = state();
      const look = () => {
        const now = state();
        if (now === null || now === before) return requestAnimationFrame(look);
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(performance.now() - timeStamp);
        port2.postMessage(0);
      };
      requestAnimationFrame(look);
    }, { capture: true, once: true });
  });
  probe.arm = (names) => {
    probe.took = Promise.all(names.map((name) => until(states[name])));
  };
  const watch = new MutationObserver(() => {
    if (!document.querySelector('a[data-hold]')) return;
    watch.disconnect();
    afterFrame((at) => (probe.paint = at));
  });
  watch.observe(document, { childList: true, subtree: true });
})();
`;
