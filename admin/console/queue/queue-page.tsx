export function QueuePage() {
  return <main>Queue</main>;
}
