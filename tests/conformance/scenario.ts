/** The scenario language as types. README.md in this folder says what everything means. */

export type Json = null | boolean | number | string | readonly Json[];

/** One line of a trace. */
export type Line = readonly [time: number, who: string, event: string, ...details: Json[]];

/** One line of a `.jsonl` file. */
export interface Recording {
  readonly name: string;
  readonly note?: string;
  readonly scenario: Scenario;
  readonly trace: readonly Line[];
}

export interface Scenario {
  readonly objects?: Readonly<Record<string, ObjectSpec>>;
  readonly callbacks?: Readonly<Record<string, Body>>;
  readonly agens?: Readonly<Record<string, AgenSpec>>;
  readonly coros: Readonly<Record<string, Body>>;
}

export interface ObjectSpec {
  readonly type: string;
  readonly value?: number;
  readonly parties?: number;
  readonly maxsize?: number;
}

export interface AgenSpec {
  readonly body: Body;
  readonly finally?: Body;
}

export type Body = readonly Op[];

export type OpName = keyof Fields;

/** One op, or any of several. */
export type Op<N extends OpName = OpName> = { [K in N]: Readonly<{ op: K } & Fields[K]> }[N];

interface Plain {
  log: { label: string };
  sleep: { d: number };
  ret: { value?: Json };
  raise: Failure;
  reraise: object;
  add: { counter: string; n: number };
  ctx_set: { name: string; value: Json };
  ctx_get: { name: string };
}

interface Tasks {
  create_task: { var: string; of: string; group?: string };
  future: { var: string };
  await: { of: string };
  cancel: On & { msg?: string };
  uncancel: On;
  cancelling: On;
  set_result: On & { value: Json };
  set_exception: On & Failure;
  result: On;
  exception: On;
  state: On;
  add_callback: On & { cb: string };
  remove_callback: On & { cb: string };
  call_soon: { cb: string; var?: string };
  call_later: { d: number; cb: string; var?: string };
  cancel_handle: On;
}

interface Waiting {
  gather: { of: readonly string[]; return_exceptions?: boolean; var?: string };
  shield: { of: string; var?: string };
  wait: {
    of: readonly string[];
    when: "FIRST_COMPLETED" | "FIRST_EXCEPTION" | "ALL_COMPLETED";
    timeout?: number | null;
  };
  wait_for: { of: string; timeout: number | null };
  as_completed: { of: readonly string[]; timeout?: number | null };
}

interface Sync {
  acquire: On;
  release: On;
  locked: On;
  event_wait: On;
  event_set: On;
  event_clear: On;
  event_is_set: On;
  cond_wait: On;
  cond_wait_until: On & { counter: string; min: number };
  notify: On & { n?: number };
  notify_all: On;
  barrier_wait: On;
  barrier_reset: On;
  barrier_abort: On;
  barrier_state: On;
}

interface Queues {
  put: On & { item: number };
  get: On;
  put_nowait: On & { item: number };
  get_nowait: On;
  join: On;
  task_done: On;
  qsize: On;
}

interface Blocks {
  repeat: { n: number; body: Body };
  try: { body: Body; except?: readonly Handler[]; finally?: Body };
  with: On & { body: Body };
  timeout: { d: number | null; var?: string; body: Body };
  reschedule: On & { d: number | null };
  expired: On;
  taskgroup: { var: string; body: Body };
}

interface Agens {
  yield: { value: Json };
  agen: { var: string; of: string };
  anext: On;
  aclose: On;
  for: { of: string; body?: Body; max?: number; close?: boolean };
}

/** The fields of each op besides its name. */
interface Fields extends Plain, Tasks, Waiting, Sync, Queues, Blocks, Agens {}

interface On {
  on: string;
}

interface Failure {
  kind: string;
  msg: string;
}

interface Handler {
  readonly kind: string;
  readonly body: Body;
}
