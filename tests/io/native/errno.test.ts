import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import {
  BlockingIOError,
  ConnectionRefusedError,
  FileNotFoundError,
  OSError,
  PermissionError,
  TimeoutError,
} from "../../../src/core/errors.ts";
import { errnoError } from "../../../src/io/native/errno.ts";

const { EAGAIN, EACCES, ENOENT, ETIMEDOUT, ECONNREFUSED, ENOTSUP } = constants.errno;

test("an error number becomes the error class that Python raises for it", () => {
  assert.ok(errnoError(EAGAIN, "recv") instanceof BlockingIOError);
  assert.ok(errnoError(EACCES, "bind") instanceof PermissionError);
  assert.ok(errnoError(ENOENT, "connect") instanceof FileNotFoundError);
  assert.ok(errnoError(ETIMEDOUT, "connect") instanceof TimeoutError);
});

test("the error says which call failed, on what, and why", () => {
  const error = errnoError(ECONNREFUSED, "connect", "127.0.0.1:1");
  assert.ok(error instanceof ConnectionRefusedError);
  assert.equal(error.message, "connect ECONNREFUSED 127.0.0.1:1: Connection refused");
  assert.equal(error.code, "ECONNREFUSED");
  assert.equal(error.errno, ECONNREFUSED);
  assert.equal(error.syscall, "connect");
});

test("without a detail the message is shorter", () => {
  assert.equal(errnoError(EAGAIN, "recv").message, "recv EAGAIN: Resource temporarily unavailable");
});

test("of two names for one number, the name is the one that Python prefers", () => {
  assert.equal(errnoError(EAGAIN, "recv").code, "EAGAIN");
  assert.equal(errnoError(ENOTSUP, "listen").code, "ENOTSUP");
});

test("a number that nobody knows keeps its value", () => {
  const error = errnoError(4000, "ioctl");
  assert.ok(error instanceof OSError);
  assert.equal(error.code, "ERRNO_4000");
  assert.equal(error.message, "ioctl ERRNO_4000: Unknown error 4000");
});
