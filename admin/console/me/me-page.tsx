export function MePage() {
  return <main>Me</main>;
}
