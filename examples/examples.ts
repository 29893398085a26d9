/** The examples, in the order of the tour. */
export const names = [
  "hello",
  "echo",
  "chat",
  "proxy",
  "queue",
  "gather",
  "timeout",
  "callbacks",
  "add-reader",
  "udp-echo",
  "unix-echo",
  "tls-echo",
  "sendfile-server",
  "http-files",
  "shell",
  "pipeline",
  "supervisor",
  "executors",
  "serve",
  "threads",
  "generators",
] as const;

export interface Example {
  readonly title: string;
  main(...args: string[]): Promise<void>;
}

export async function load(name: string): Promise<Example> {
  return (await import(`./${name}.ts`)) as Example;
}
