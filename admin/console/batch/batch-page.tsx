export function BatchPage() {
  return <main>Batch</main>;
}
