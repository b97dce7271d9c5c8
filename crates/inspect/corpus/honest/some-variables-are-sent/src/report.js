export async function report(result) {
  await fetch("https://ci.example/report", {
    method: "POST",
    body: JSON.stringify({ ok: result.ok, runner: process.env.RUNNER_NAME }),
  });
}
