/** x and y, both positive. */
export type Point = readonly [x: number, y: number];

/** What measurements may differ by. */
const TOLERANCE = 0.1;

/** The k of the n^k that fits best: the slope of the straight line through the points, both axes logarithmic. */
export function exponent(points: readonly Point[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const [meanX, meanY] = [mean(logs.map(([x]) => x)), mean(logs.map(([, y]) => y))];
  const covariance = mean(logs.map(([x, y]) => (x - meanX) * (y - meanY)));
  return covariance / mean(logs.map(([x]) => (x - meanX) ** 2));
}

/** The largest exponent of a step from one point to the next, and where that is. */
export function steepest(points: readonly Point[]): { exponent: number; from: number; to: number } {
  const steps = points.slice(1).map((point, i) => {
    const before = points[i]!;
    return { exponent: exponent([before, point]), from: before[0], to: point[0] };
  });
  return steps.reduce((most, step) => (step.exponent > most.exponent ? step : most));
}

/** What the exponent is at these n for something that grows like n log n, with what measurements may differ by. */
export function limit(ns: readonly number[]): number {
  return exponent(ns.map((n) => [n, n * Math.log(n + 1)])) + TOLERANCE;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
