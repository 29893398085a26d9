/** What is in Python's modules `asyncio.subprocess` and, as far as it has a meaning here, `subprocess`. */

export { CalledProcessError, CompletedProcess, TimeoutExpired } from "./completed-process.ts";
export { createSubprocessExec, createSubprocessShell } from "./create-subprocess.ts";
export { Process } from "./process.ts";
export { run } from "./run.ts";
export { DEVNULL, PIPE, STDOUT } from "./stdio.ts";
export { SubprocessStreamProtocol } from "./stream-protocol.ts";
