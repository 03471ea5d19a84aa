import type { Policies } from '../domain/policy.ts';
import type { RecordValue } from './values.ts';

/** The group `clock` at this time; the same object for the whole of a minute. */
export type LocalTime = (now: number) => RecordValue;

const MINUTE_MS = 60_000;
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** By the zone of the working hours, UTC without them. Freezes begin and end on a minute. */
export function localTime({ hours, freezes = [] }: Policies): LocalTime {
  const read = hours === undefined ? utc : zoned(hours.timezone);
  let minute = Number.NaN;
  let last: RecordValue = {};
  return (now) => {
    const current = Math.floor(now / MINUTE_MS);
    if (current === minute) return last;
    const at = current * MINUTE_MS;
    const { hour, minute: of, weekday } = read(at);
    const since = hour * 60 + of;
    const atWork =
      hours === undefined ||
      (hours.days.includes(weekday) && since >= hours.from && since < hours.until);
    const frozen = freezes.some(({ from, until }) => from <= at && at < until);
    last = { hour, minute: of, weekday, offHours: !atWork, frozen };
    minute = current;
    return last;
  };
}

interface WallClock {
  readonly hour: number;
  readonly minute: number;
  readonly weekday: number;
}

function utc(at: number): WallClock {
  const date = new Date(at);
  return {
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    weekday: ((date.getUTCDay() + 6) % 7) + 1,
  };
}

/** Throws a RangeError for a zone that does not exist. */
function zoned(timezone: string): (at: number) => WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  });
  return (at) => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
    return {
      hour: Number(parts.get('hour')),
      minute: Number(parts.get('minute')),
      weekday: DAYS.indexOf(parts.get('weekday') ?? '') + 1,
    };
  };
}

export function isTimezone(name: string): boolean {
  try {
    zoned(name);
    return true;
  } catch {
    return false;
  }
}
