#include "simulate/message.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/utc.h"

#define API_VERSION "2013-01-01"

/* How much of it needs no second look; slashes may. */
static size_t plain_length(const char *s)
{
	size_t n = 0;

	while ((unsigned char)s[n] >= 0x20 && s[n] != '"' && s[n] != '\\' && s[n] != '/')
		n++;
	return n;
}

/*
 * A JSON string. Amazon's inner JSON has "<\/" for "</" and leaves every other slash alone; SNS escapes no slash.
 */
static void json_string(FILE *f, const char *value, bool escape_end_tags)
{
	fputc('"', f);
	for (const char *p = value; *p; p++) {
		size_t plain = plain_length(p);

		fwrite(p, 1, plain, f);
		p += plain;
		if (!*p)
			break;
		if (*p == '"' || *p == '\\')
			fprintf(f, "\\%c", *p);
		else if (*p == '\n')
			fputs("\\n", f);
		else if ((unsigned char)*p < 0x20)
			fprintf(f, "\\u%04x", (unsigned)*p);
		else if (escape_end_tags && p > value && p[-1] == '<')
			fputs("\\/", f);
		else
			fputc('/', f);
	}
	fputc('"', f);
}

struct member {
	const char *name;
	const char *value;
};

/* Members that have a value, each with its prefix; the separator stands between. */
static char *json_object(const char *open, const char *colon, const char *comma, const char *close,
			 bool escape_end_tags, const struct member *members, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fputs(open, f);
	for (size_t i = 0; i < n; i++) {
		if (!members[i].value)
			continue;
		fprintf(f, "%s\"%s\"%s", i ? comma : "", members[i].name, colon);
		json_string(f, members[i].value, escape_end_tags);
	}
	fputs(close, f);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

char *message_inner(const struct message_inner *m)
{
	char at[UTC_TEXT_SIZE];
	const struct member members[] = {
		{"ReleaseEnvironment", m->environment},
		{"MarketplaceID", m->marketplace_id},
		{"Version", API_VERSION},
		{"NotificationType", m->type},
		{"EventType", m->event_type},
		{"SellerId", m->seller_id},
		{"NotificationReferenceId", m->reference_id},
		{"Timestamp", at},
		{"NotificationData", m->document},
	};

	utc_format(m->at_ms, at);
	return json_object("{", ":", ",", "}", true, members, N(members));
}

char *message_signed_text(const struct message_envelope *e)
{
	char *text = NULL;

	if (asprintf(
		    &text,
		    "Message\n%s\nMessageId\n%s\nTimestamp\n%s\nTopicArn\n%s\nType\nNotification\n",
		    e->message, e->message_id, e->timestamp, e->topic_arn) < 0)
		return NULL;
	return text;
}

char *message_envelope(const struct message_envelope *e)
{
	const struct member members[] = {
		{"Type", "Notification"},
		{"MessageId", e->message_id},
		{"TopicArn", e->topic_arn},
		{"Message", e->message},
		{"Timestamp", e->timestamp},
		{"SignatureVersion", e->signature_version},
		{"Signature", e->signature},
		{"SigningCertURL", e->certificate_url},
		{"UnsubscribeURL", e->unsubscribe_url},
	};

	return json_object("{\n  ", " : ", ",\n  ", "\n}", false, members, N(members));
}
