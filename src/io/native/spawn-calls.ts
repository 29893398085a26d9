import type { Koffi } from "./koffi.ts";

/** A list of strings for C, the last of them null; or where there is one already. */
export type Strings = readonly (string | null)[] | bigint;

/** Memory for one of libc's own structures. */
type Opaque = BigUint64Array;

/**
 * The calls that start a process and learn of its end. Those of `posix_spawn` return 0 or the error number, as in C, the
 * others as {@link Libc}.
 */
export interface SpawnCalls {
  posix_spawnp(
    pid: Int32Array,
    file: string,
    actions: Opaque,
    attributes: Opaque,
    argv: Strings,
    env: Strings,
  ): number;
  actionsInit(actions: Opaque): number;
  actionsDestroy(actions: Opaque): number;
  addDup2(actions: Opaque, fd: number, newFd: number): number;
  addOpen(actions: Opaque, fd: number, path: string, flags: number, mode: number): number;
  addChdir(actions: Opaque, path: string): number;
  attributesInit(attributes: Opaque): number;
  setFlags(attributes: Opaque, flags: number): number;
  setSignalsDefault(attributes: Opaque, signals: Opaque): number;
  setSignalMask(attributes: Opaque, signals: Opaque): number;
  /** This process's environment variable, as C has it; a thread of Node's has variables of its own. */
  getenv(name: string): string | null;
  /** All of them. */
  environ(): bigint;
  pidfdOpen(pid: number): number;
  waitpid(pid: number, status: Int32Array, options: number): number;
}

/** The same number on all architectures. */
const SYS_PIDFD_OPEN = 434;

/** Null where libc has not all of them: `addchdir_np` is in glibc from 2.29 on, in musl from 1.1.24 on. */
export function spawnCalls(koffi: Koffi): SpawnCalls | null {
  const library = koffi.load(null);
  const call = <F>(definition: string) => library.func(definition) as F;
  const result = (value: number) => (value < 0 ? -koffi.errno() : value);
  try {
    const syscall = call<(...args: number[]) => number>("intptr_t syscall(intptr_t, intptr_t, intptr_t)");
    const waitpid = call<SpawnCalls["waitpid"]>("int waitpid(int, void *, int)");
    const environ = library.symbol("environ");
    return {
      posix_spawnp: call(
        "int posix_spawnp(void *, const char *, void *, void *, const char **, const char **)",
      ),
      actionsInit: call("int posix_spawn_file_actions_init(void *)"),
      actionsDestroy: call("int posix_spawn_file_actions_destroy(void *)"),
      addDup2: call("int posix_spawn_file_actions_adddup2(void *, int, int)"),
      addOpen: call("int posix_spawn_file_actions_addopen(void *, int, const char *, int, unsigned int)"),
      addChdir: call("int posix_spawn_file_actions_addchdir_np(void *, const char *)"),
      attributesInit: call("int posix_spawnattr_init(void *)"),
      setFlags: call("int posix_spawnattr_setflags(void *, short)"),
      setSignalsDefault: call("int posix_spawnattr_setsigdefault(void *, const void *)"),
      setSignalMask: call("int posix_spawnattr_setsigmask(void *, const void *)"),
      getenv: call("const char *getenv(const char *)"),
      environ: () => koffi.decode(environ, "void *") as bigint,
      pidfdOpen: (pid) => result(syscall(SYS_PIDFD_OPEN, pid, 0)),
      waitpid: (pid, status, options) => result(waitpid(pid, status, options)),
    };
  } catch {
    return null;
  }
}
