// Called by the clock: every weekday at eight in Berlin (plinth.json says so), for what happened since the last time.

interface ScheduledEvent {
  id: string;
  time: string;
}

const DAY = 24 * 60 * 60 * 1000;

// The event's time is the due time, also when the call comes late or is tried again: the same event is always about the same day.
export const handler = async (event: ScheduledEvent): Promise<{ from: string; to: string }> => {
  const due = new Date(event.time);
  if (Number.isNaN(due.getTime())) {
    throw new TypeError('this function is called by its schedule, with the time in its event');
  }
  const isMonday = due.getUTCDay() === 1;
  const report = { from: new Date(due.getTime() - (isMonday ? 3 : 1) * DAY).toISOString(), to: due.toISOString() };
  console.log(`report ${event.id} from ${report.from} to ${report.to}`);
  return report;
};
