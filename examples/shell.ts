import { createSubprocessShell, PIPE, run } from "../src/index.ts";

export const title = "A command of the shell, with its exit code and its output";

async function runCommand(command: string): Promise<void> {
  const process = await createSubprocessShell(command, { stdout: PIPE, stderr: PIPE });
  const [stdout, stderr] = await process.communicate();
  console.log(`[${command} exited with ${process.returncode}]`);
  if (stdout?.length) console.log(`[stdout]\n${String(stdout).trimEnd()}`);
  if (stderr?.length) console.log(`[stderr]\n${String(stderr).trimEnd()}`);
}

export async function main(): Promise<void> {
  await run(async () => {
    await runCommand("ls examples/shell.ts");
    await runCommand("ls /zzz 2>&1 >/dev/null | grep -o zzz >&2; exit 2");
  });
}
