import { createSubprocessExec, PIPE, run } from "../src/index.ts";

export const title = "A pipeline: three processes, joined by the system's pipes";

/**
 * As a shell does with `printf … | sort -u | wc -l`, from its end on: each process gets the pipe to the one behind it,
 * and this process closes it, so that the end of one is the end of all.
 */
export async function main(): Promise<void> {
  await run(async () => {
    await using count = await createSubprocessExec("wc", "-l", { stdin: PIPE, stdout: PIPE });
    await using sort = await createSubprocessExec("sort", "-u", { stdin: PIPE, stdout: count.stdin });
    count.stdin?.close();
    await using print = await createSubprocessExec("printf", "pear\\nfig\\npear\\n", { stdout: sort.stdin });
    sort.stdin?.close();
    const [output] = await count.communicate();
    console.log(`different lines: ${String(output).trim()}`);
    for (const process of [print, sort, count]) console.log(`exited with ${await process.wait()}`);
  });
}
