/** What the workers of examples/distributed-map.ts carry out: `asyncio-ts worker examples/distributed-map-jobs.ts`. */

/** How many primes there are from `start` up to, but not including, `end`. */
export function countPrimes(start: number, end: number): { pid: number; count: number } {
  let count = 0;
  for (let n = start; n < end; n++) if (isPrime(n)) count++;
  return { pid: process.pid, count };
}

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return n > 1;
}
