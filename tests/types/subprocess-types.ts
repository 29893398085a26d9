/** As public-types.ts, for processes and signals. Nothing here runs. */

import {
  type Coroutine,
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  type EventLoop,
  PIPE,
  type Process,
  STDOUT,
  type StreamReader,
  type StreamWriter,
  SubprocessProtocol,
  type SubprocessTransport,
  subprocess,
} from "../../src/index.ts";
import { is } from "./public-types.ts";

declare const loop: EventLoop;
declare const process: Process;
declare const words: readonly string[];

export async function programs(): Promise<void> {
  is<Coroutine<Process>>()(createSubprocessExec("ls"));
  is<Process>()(await createSubprocessExec("ls", "-l", "/"));
  is<Process>()(await createSubprocessExec("ls", "-l", { stdout: PIPE, stderr: STDOUT, limit: 5 }));
  createSubprocessExec("ls", { stdin: DEVNULL, cwd: new URL("file:///"), env: { A: "b", C: undefined } });
  createSubprocessExec(new URL("file:///bin/ls"), ...words);
  createSubprocessExec("ls", ...words, { stdout: null });
  createSubprocessExec("sort", { stdin: process.stdout, stdout: 5, stderr: { fileno: () => 5 } });
  // @ts-expect-error: what is to be started?
  createSubprocessExec();
  // @ts-expect-error: an argument is a string
  createSubprocessExec("ls", 5);
  // @ts-expect-error: the options come last
  createSubprocessExec("ls", { stdout: PIPE }, "-l");
  // @ts-expect-error: a list must be spread
  createSubprocessExec("ls", words);
  // @ts-expect-error: no such option
  createSubprocessExec("ls", "-l", { stdot: PIPE });
  // @ts-expect-error: streams carry bytes
  createSubprocessExec("ls", { encoding: "utf8" });
  // @ts-expect-error: the name of a file is no file
  createSubprocessExec("ls", { stdout: "file" });
  // @ts-expect-error: the environment is made of strings
  createSubprocessExec("ls", { env: { A: 1 } });
}

export async function commands(): Promise<void> {
  is<Process>()(await createSubprocessShell("ls | wc", { stdout: PIPE }));
  createSubprocessShell(Buffer.from("ls"));
  // @ts-expect-error: a command is one string
  createSubprocessShell("ls", "-l");
  is<subprocess.CompletedProcess>()(await subprocess.run("ls", "-l", { captureOutput: true, timeout: 1 }));
  is<Coroutine<subprocess.CompletedProcess>>()(subprocess.run("cat", { input: "x", check: true }));
  // @ts-expect-error: seconds are a number
  subprocess.run("ls", { timeout: "1" });
  // @ts-expect-error: run has no limit for lines
  subprocess.run("ls", { limit: 5 });
}

export async function processes(): Promise<void> {
  is<StreamWriter | null>()(process.stdin);
  is<StreamReader | null>()(process.stdout);
  is<number | null>()(process.returncode);
  is<number>()(await process.wait());
  is<[stdout: Buffer | null, stderr: Buffer | null]>()(await process.communicate("x", { drain: 1 }));
  process.sendSignal("SIGHUP");
  process.killTree(9);
  await process.stop({ grace: 1 });
  // @ts-expect-error: no signal
  process.sendSignal("SIGNONE");
  // @ts-expect-error: the return code is what the process says
  process.returncode = 5;
  // @ts-expect-error: bytes or text
  process.communicate(5);
}

export async function protocols(): Promise<void> {
  class Mine extends SubprocessProtocol {
    readonly mine = 5;
    override pipeDataReceived(fd: number, data: Buffer): void {
      is<Buffer>()(data);
      is<number>()(fd);
    }
  }
  is<[SubprocessTransport, Mine]>()(await loop.subprocessExec(() => new Mine(), "ls", "-l"));
  is<[SubprocessTransport, Mine]>()(await loop.subprocessShell(() => new Mine(), "ls", { stdin: null }));
  // @ts-expect-error: a class is no factory
  loop.subprocessExec(Mine, "ls");
  // @ts-expect-error: the limit is for streams
  loop.subprocessExec(() => new Mine(), "ls", { limit: 5 });
}

export function signals(): void {
  loop.addSignalHandler("SIGHUP", (a: number) => a, 5);
  is<boolean>()(loop.removeSignalHandler(1));
  // @ts-expect-error: not a number
  loop.addSignalHandler("SIGHUP", (a: number) => a, "5");
  // @ts-expect-error: no signal
  loop.addSignalHandler("SIGNONE", () => {});
}
