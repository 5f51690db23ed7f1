export function HoldPage() {
  return <main>Hold</main>;
}
