// RATE customers per second look at a product and buy one, for DURATION seconds.
import { arrivals, bounded, limits, mayDrop, trendStats } from './souk.js';

export { journey as default } from './souk.js';

const rate = bounded('RATE', 50, 1, 500);
const seconds = bounded('DURATION', 30, 5, 120);

export const options = {
  scenarios: { checkout: arrivals(rate, seconds) },
  thresholds: { ...limits, dropped_iterations: mayDrop(rate * seconds) },
  summaryTrendStats: trendStats,
};
