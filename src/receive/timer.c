#include "receive/timer.h"

int timer_new(sd_event *event, sd_event_time_handler_t handler, const char *name, void *userdata,
	      sd_event_source **ret)
{
	int r = sd_event_add_time_relative(event, ret, CLOCK_MONOTONIC, 0, 1, handler, userdata);

	if (r < 0)
		return r;
	sd_event_source_set_description(*ret, name);
	return sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

void timer_arm(sd_event_source *timer, uint64_t usec)
{
	if (sd_event_source_set_time_relative(timer, usec) >= 0)
		sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}
