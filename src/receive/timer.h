/* A timer of the loop that goes off once, when it was armed. */
#ifndef IPND_RECEIVE_TIMER_H
#define IPND_RECEIVE_TIMER_H

#include <stdint.h>
#include <systemd/sd-event.h>

/* Not armed. The caller ends it by sd_event_source_disable_unref(). 0 or negative errno. */
int timer_new(sd_event *event, sd_event_time_handler_t handler, const char *name, void *userdata,
	      sd_event_source **ret);

/* To go off in so many microseconds. Cannot fail for a timer that exists, but for want of memory; whoever arms it next makes good. */
void timer_arm(sd_event_source *timer, uint64_t usec);

#endif
