// The load of checkout for up to half an hour, with one more customer each second
// who waits for the order. It ends early once a limit is crossed.
import { arrivals, bounded, limits, mayDrop, trendStats } from './souk.js';

export { journey as default, observe } from './souk.js';

const rate = bounded('RATE', 50, 1, 500);
const seconds = bounded('DURATION', 600, 10, 1800);

const orAbort = (conditions) => conditions.map((threshold) => ({ threshold, abortOnFail: true, delayAbortEval: '30s' }));
const held = { ...limits, order_completion: ['p(95)<5000'], dropped_iterations: mayDrop(rate * seconds) };

export const options = {
  scenarios: { soak: arrivals(rate, seconds), observers: arrivals(1, seconds, { exec: 'observe' }) },
  thresholds: Object.fromEntries(Object.entries(held).map(([metric, conditions]) => [metric, orAbort(conditions)])),
  summaryTrendStats: trendStats,
};
