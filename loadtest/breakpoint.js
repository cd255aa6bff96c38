// More and more customers, up to RATE per second after DURATION seconds, until a
// limit is crossed; rate_reached is the rate at which that was. Limits are over
// all that came before, so it is noticed late by a few hundredths of the rate.
import exec from 'k6/execution';
import { Gauge } from 'k6/metrics';
import { arrivals, bounded, journey, limits, trendStats } from './souk.js';

export { observe } from './souk.js';

const first = 10;
const last = bounded('RATE', 500, 50, 2000);
const seconds = bounded('DURATION', 60, 10, 1800);

const orBreak = (conditions) => conditions.map((threshold) => ({ threshold, abortOnFail: true, delayAbortEval: '5s' }));
const held = { ...limits, order_completion: ['p(95)<5000'], dropped_iterations: ['count<10'] };

export const options = {
  scenarios: {
    breakpoint: {
      executor: 'ramping-arrival-rate',
      startRate: first,
      timeUnit: '1s',
      stages: [{ target: last, duration: `${seconds}s` }],
      preAllocatedVUs: last,
      maxVUs: 2 * last,
    },
    observers: arrivals(1, seconds, { exec: 'observe' }),
  },
  thresholds: Object.fromEntries(Object.entries(held).map(([metric, conditions]) => [metric, orBreak(conditions)])),
  summaryTrendStats: trendStats,
};

const reached = new Gauge('rate_reached');

export default function () {
  reached.add(Math.round(first + (last - first) * exec.scenario.progress));
  journey();
}
