import { BaseEventLoop } from "../../src/core/base-events.ts";
import type { CallbackArguments } from "../../src/core/callback-arguments.ts";
import type { Callback, TimerHandle } from "../../src/core/handles.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

/** A loop with virtual time in whole milliseconds, so that 0.01 + 0.05 and 0.06 are the same instant. */
export class MillisecondLoop extends BaseEventLoop {
  constructor() {
    super(new VirtualClock());
  }

  override time(): number {
    return toMilliseconds(super.time());
  }

  override callAt<A extends unknown[]>(
    when: number,
    callback: Callback<A>,
    ...args: NoInfer<CallbackArguments<A>>
  ): TimerHandle {
    return super.callAt(toMilliseconds(when), callback, ...args);
  }
}

function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
