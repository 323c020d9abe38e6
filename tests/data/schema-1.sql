PRAGMA application_id = 1229999684;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE authorization (
authorization_id TEXT PRIMARY KEY,
order_reference_id TEXT,
account TEXT NOT NULL,
environment TEXT NOT NULL,
reference_id TEXT,
state TEXT NOT NULL,
reason_code TEXT,
amount_minor INTEGER,
captured_minor INTEGER,
fee_minor INTEGER,
currency TEXT,
soft_decline INTEGER,
capture_now INTEGER,
created_at TEXT,
expires_at TEXT,
updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "authorization" VALUES('S01-6696508-1827131-A851441','S01-6696508-1827131','rehearsal','sandbox','order-540841-auth1','Closed','MaxCapturesProcessed',1995,1995,0,'USD',0,0,'2026-11-26T16:24:09.728Z','2026-12-26T16:24:09.728Z','2026-11-26T16:24:44.783Z');
CREATE TABLE capture (
capture_id TEXT PRIMARY KEY,
authorization_id TEXT,
order_reference_id TEXT,
account TEXT NOT NULL,
environment TEXT NOT NULL,
reference_id TEXT,
state TEXT NOT NULL,
reason_code TEXT,
amount_minor INTEGER,
refunded_minor INTEGER,
fee_minor INTEGER,
currency TEXT,
created_at TEXT,
updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "capture" VALUES('S01-6696508-1827131-C851441','S01-6696508-1827131-A851441','S01-6696508-1827131','rehearsal','sandbox','order-540841-capture1','Completed',NULL,1995,500,0,'USD','2026-11-26T16:24:44.783Z','2026-11-26T16:24:44.783Z');
INSERT INTO "capture" VALUES('S01-7000000-0000001-C000001',NULL,'S01-7000000-0000001','rehearsal','sandbox','ref','Completed',NULL,1995,0,0,'USD','2026-01-02T03:04:05.006Z','2026-01-05T03:04:05.006Z');
INSERT INTO "capture" VALUES('S01-7000000-0000002-C000001',NULL,'S01-7000000-0000002','rehearsal','sandbox','ref','Completed',NULL,1995,0,0,'USD','2026-01-02T03:04:05.006Z','2026-01-05T03:04:05.006Z');
INSERT INTO "capture" VALUES('S01-7000000-0000003-C000001',NULL,'S01-7000000-0000003','rehearsal','sandbox','ref','Completed',NULL,1995,0,0,'USD','2026-01-02T03:04:05.006Z','2026-01-05T03:04:05.006Z');
INSERT INTO "capture" VALUES('S01-7000000-0000006-C000001',NULL,'S01-7000000-0000006','rehearsal','sandbox','ref','Completed',NULL,1995,0,0,'USD','2026-01-02T03:04:05.006Z','2026-01-07T03:04:05.006Z');
CREATE TABLE event (
id INTEGER PRIMARY KEY AUTOINCREMENT,
name TEXT NOT NULL,
object_type TEXT NOT NULL,
object_id TEXT NOT NULL,
transition_id INTEGER,
account TEXT NOT NULL,
environment TEXT NOT NULL CHECK (environment IN ('sandbox', 'live')),
late INTEGER NOT NULL CHECK (late IN (0, 1)),
created_at TEXT NOT NULL,
notification_id INTEGER REFERENCES notification (id),
lane TEXT NOT NULL,
order_reference_id TEXT,
seller_order_id TEXT,
billing_agreement_id TEXT,
previous_state TEXT,
state TEXT,
reason_code TEXT,
amount_minor INTEGER,
currency TEXT,
seller_id TEXT,
updated_at TEXT
) STRICT;
INSERT INTO "event" VALUES(1,'order_reference.open','order_reference','S01-6696508-1827131',1,'rehearsal','sandbox',0,'2026-11-26T16:26:26.451Z',1,'S01-6696508-1827131','S01-6696508-1827131','order-540841',NULL,NULL,'Open',NULL,1995,'USD','AREHEARSAL','2026-11-26T16:24:06.609Z');
INSERT INTO "event" VALUES(2,'authorization.open','authorization','S01-6696508-1827131-A851441',2,'rehearsal','sandbox',0,'2026-11-26T16:26:26.453Z',2,'S01-6696508-1827131','S01-6696508-1827131','order-540841',NULL,NULL,'Open',NULL,1995,'USD','AREHEARSAL','2026-11-26T16:24:14.966Z');
INSERT INTO "event" VALUES(3,'capture.completed','capture','S01-6696508-1827131-C851441',3,'rehearsal','sandbox',0,'2026-11-26T16:26:26.455Z',3,'S01-6696508-1827131','S01-6696508-1827131','order-540841',NULL,NULL,'Completed',NULL,1995,'USD','AREHEARSAL','2026-11-26T16:24:44.783Z');
INSERT INTO "event" VALUES(4,'authorization.closed','authorization','S01-6696508-1827131-A851441',4,'rehearsal','sandbox',0,'2026-11-26T16:26:26.456Z',4,'S01-6696508-1827131','S01-6696508-1827131','order-540841',NULL,'Open','Closed','MaxCapturesProcessed',1995,'USD','AREHEARSAL','2026-11-26T16:24:44.783Z');
INSERT INTO "event" VALUES(5,'refund.completed','refund','S01-6696508-1827131-R454411',5,'rehearsal','sandbox',0,'2026-11-26T16:26:26.457Z',5,'S01-6696508-1827131','S01-6696508-1827131','order-540841',NULL,NULL,'Completed',NULL,500,'USD','AREHEARSAL','2026-11-26T16:26:17.472Z');
INSERT INTO "event" VALUES(6,'order_reference.closed','order_reference','S01-6696508-1827131',6,'rehearsal','sandbox',0,'2026-11-26T16:26:26.458Z',6,'S01-6696508-1827131','S01-6696508-1827131','order-540841',NULL,'Open','Closed','SellerClosed',1995,'USD','AREHEARSAL','2026-11-26T16:26:24.083Z');
INSERT INTO "event" VALUES(7,'capture.completed','capture','S01-7000000-0000001-C000001',7,'rehearsal','sandbox',0,'2026-11-26T16:26:26.475Z',7,'S01-7000000-0000001','S01-7000000-0000001',NULL,NULL,NULL,'Completed',NULL,1995,'USD','AREHEARSAL','2026-01-05T03:04:05.006Z');
INSERT INTO "event" VALUES(8,'notification.conflict','notification','7629f5fd-704b-4432-b18b-a2f20a0801be',NULL,'rehearsal','sandbox',0,'2026-11-26T16:26:26.486Z',8,'S01-7000000-0000001','S01-7000000-0000001',NULL,NULL,'Completed','Declined',NULL,1995,'USD','AREHEARSAL','2026-01-06T03:04:05.006Z');
INSERT INTO "event" VALUES(9,'capture.completed','capture','S01-7000000-0000002-C000001',9,'rehearsal','sandbox',0,'2026-11-26T16:26:26.507Z',9,'S01-7000000-0000002','S01-7000000-0000002',NULL,NULL,NULL,'Completed',NULL,1995,'USD','AREHEARSAL','2026-01-05T03:04:05.006Z');
INSERT INTO "event" VALUES(10,'notification.conflict','notification','423236dc-38ae-4c15-ae8d-4a2fe0ddaf32',NULL,'rehearsal','sandbox',0,'2026-11-26T16:26:26.534Z',10,'S01-7000000-0000002','S01-7000000-0000002',NULL,NULL,'Completed','Declined',NULL,1995,'USD','AREHEARSAL','2026-01-06T03:04:05.006Z');
INSERT INTO "event" VALUES(11,'capture.completed','capture','S01-7000000-0000003-C000001',11,'rehearsal','sandbox',0,'2026-11-26T16:26:26.566Z',11,'S01-7000000-0000003','S01-7000000-0000003',NULL,NULL,NULL,'Completed',NULL,1995,'USD','AREHEARSAL','2026-01-05T03:04:05.006Z');
INSERT INTO "event" VALUES(12,'notification.conflict','notification','4119e71d-da55-478d-9c19-0e27d0d68fb8',NULL,'rehearsal','sandbox',0,'2026-11-26T16:26:26.591Z',12,'S01-7000000-0000003','S01-7000000-0000003',NULL,NULL,'Completed','Declined',NULL,1995,'USD','AREHEARSAL','2026-01-06T03:04:05.006Z');
INSERT INTO "event" VALUES(13,'capture.pending','capture','S01-7000000-0000001-C000001',13,'rehearsal','sandbox',1,'2026-11-26T16:26:26.613Z',13,'S01-7000000-0000001','S01-7000000-0000001',NULL,NULL,NULL,'Pending',NULL,1995,'USD','AREHEARSAL','2026-01-02T03:04:05.006Z');
INSERT INTO "event" VALUES(14,'notification.foreign','notification','373bfbc3-7da7-4c35-a1c3-43077b120186',NULL,'rehearsal','sandbox',0,'2026-11-26T16:26:26.684Z',14,'S01-7000000-0000004','S01-7000000-0000004',NULL,NULL,NULL,'Completed',NULL,1995,'USD','AELSE','2026-01-05T03:04:05.006Z');
INSERT INTO "event" VALUES(15,'notification.sample','notification','b466f7ca-3f9b-4ddc-84d9-fcbca04404cf',NULL,'rehearsal','sandbox',0,'2026-11-26T16:26:26.728Z',15,'S01-7000000-0000005','S01-7000000-0000005',NULL,NULL,NULL,'Completed',NULL,1995,'USD','AREHEARSAL','2026-01-05T03:04:05.006Z');
INSERT INTO "event" VALUES(16,'notification.unrecognized','notification','f76a658b-ed45-46ae-aa7c-2480097f4575',NULL,'rehearsal','sandbox',0,'2026-11-26T16:26:26.769Z',16,'f76a658b-ed45-46ae-aa7c-2480097f4575',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'AREHEARSAL',NULL);
INSERT INTO "event" VALUES(17,'notification.unrecognized','notification','e7501209-4af4-4e8d-8494-a587b9fe1203',NULL,'rehearsal','sandbox',0,'2026-11-26T16:26:26.831Z',17,'e7501209-4af4-4e8d-8494-a587b9fe1203',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'AREHEARSAL',NULL);
INSERT INTO "event" VALUES(18,'hook.dead','refund','S01-6696508-1827131-R454411',NULL,'rehearsal','sandbox',0,'2026-11-26T16:26:26.875Z',5,'S01-6696508-1827131','S01-6696508-1827131','order-540841',NULL,NULL,'Completed',NULL,500,'USD','AREHEARSAL','2026-11-26T16:26:17.472Z');
INSERT INTO "event" VALUES(19,'capture.completed','capture','S01-7000000-0000006-C000001',14,'rehearsal','sandbox',0,'2026-11-26T16:26:29.022Z',18,'S01-7000000-0000006','S01-7000000-0000006',NULL,NULL,NULL,'Completed',NULL,1995,'USD','AREHEARSAL','2026-01-07T03:04:05.006Z');
CREATE TABLE fact (
id INTEGER PRIMARY KEY,
object_type TEXT NOT NULL CHECK (object_type IN ('order_reference', 'authorization', 'capture', 'refund')),
object_id TEXT NOT NULL,
state TEXT NOT NULL CHECK (state IN ('Pending', 'Open', 'Suspended', 'Completed', 'Declined', 'Closed', 'Canceled')),
at TEXT NOT NULL,
notification_id INTEGER NOT NULL REFERENCES notification (id),
place INTEGER,
begins INTEGER,
from_state TEXT,
announced INTEGER NOT NULL DEFAULT 0 CHECK (announced IN (0, 1)),
late INTEGER NOT NULL DEFAULT 0 CHECK (late IN (0, 1)),
account TEXT NOT NULL,
environment TEXT NOT NULL CHECK (environment IN ('sandbox', 'live')),
seller_id TEXT NOT NULL,
order_reference_id TEXT,
reference_id TEXT,
seller_order_id TEXT,
reason_code TEXT,
reason_description TEXT,
amount_minor INTEGER,
done_minor INTEGER,
fee_minor INTEGER,
currency TEXT,
refund_type TEXT,
soft_decline INTEGER CHECK (soft_decline IN (0, 1)),
capture_now INTEGER CHECK (capture_now IN (0, 1)),
created_at TEXT,
expires_at TEXT,
UNIQUE (object_type, object_id, state, at)
) STRICT;
INSERT INTO "fact" VALUES(1,'order_reference','S01-6696508-1827131','Open','2026-11-26T16:24:06.609Z',1,1,1,NULL,1,0,'rehearsal','sandbox','AREHEARSAL','S01-6696508-1827131',NULL,'order-540841',NULL,NULL,1995,NULL,NULL,'USD',NULL,NULL,NULL,'2026-11-26T16:23:23.943Z','2027-05-25T16:23:23.943Z');
INSERT INTO "fact" VALUES(2,'authorization','S01-6696508-1827131-A851441','Open','2026-11-26T16:24:14.966Z',2,1,2,NULL,1,0,'rehearsal','sandbox','AREHEARSAL','S01-6696508-1827131','order-540841-auth1',NULL,NULL,NULL,1995,0,0,'USD',NULL,0,0,'2026-11-26T16:24:09.728Z','2026-12-26T16:24:09.728Z');
INSERT INTO "fact" VALUES(3,'capture','S01-6696508-1827131-C851441','Completed','2026-11-26T16:24:44.783Z',3,1,3,NULL,1,0,'rehearsal','sandbox','AREHEARSAL','S01-6696508-1827131','order-540841-capture1',NULL,NULL,NULL,1995,0,0,'USD',NULL,NULL,NULL,'2026-11-26T16:24:44.783Z',NULL);
INSERT INTO "fact" VALUES(4,'authorization','S01-6696508-1827131-A851441','Closed','2026-11-26T16:24:44.783Z',4,2,4,'Open',1,0,'rehearsal','sandbox','AREHEARSAL','S01-6696508-1827131','order-540841-auth1',NULL,'MaxCapturesProcessed',NULL,1995,1995,0,'USD',NULL,0,0,'2026-11-26T16:24:09.728Z','2026-12-26T16:24:09.728Z');
INSERT INTO "fact" VALUES(5,'refund','S01-6696508-1827131-R454411','Completed','2026-11-26T16:26:17.472Z',5,1,5,NULL,1,0,'rehearsal','sandbox','AREHEARSAL','S01-6696508-1827131','order-540841-refund1',NULL,NULL,NULL,500,NULL,0,'USD','SellerInitiated',NULL,NULL,'2026-11-26T16:25:44.163Z',NULL);
INSERT INTO "fact" VALUES(6,'order_reference','S01-6696508-1827131','Closed','2026-11-26T16:26:24.083Z',6,2,6,'Open',1,0,'rehearsal','sandbox','AREHEARSAL','S01-6696508-1827131',NULL,'order-540841','SellerClosed',NULL,1995,NULL,NULL,'USD',NULL,NULL,NULL,'2026-11-26T16:23:23.943Z','2027-05-25T16:23:23.943Z');
INSERT INTO "fact" VALUES(7,'capture','S01-7000000-0000001-C000001','Completed','2026-01-05T03:04:05.006Z',7,2,7,'Pending',1,0,'rehearsal','sandbox','AREHEARSAL','S01-7000000-0000001','ref',NULL,NULL,NULL,1995,0,0,'USD',NULL,NULL,NULL,'2026-01-02T03:04:05.006Z',NULL);
INSERT INTO "fact" VALUES(8,'capture','S01-7000000-0000001-C000001','Declined','2026-01-06T03:04:05.006Z',8,NULL,NULL,NULL,0,0,'rehearsal','sandbox','AREHEARSAL','S01-7000000-0000001','ref',NULL,NULL,NULL,1995,0,0,'USD',NULL,NULL,NULL,'2026-01-02T03:04:05.006Z',NULL);
INSERT INTO "fact" VALUES(9,'capture','S01-7000000-0000002-C000001','Completed','2026-01-05T03:04:05.006Z',9,1,9,NULL,1,0,'rehearsal','sandbox','AREHEARSAL','S01-7000000-0000002','ref',NULL,NULL,NULL,1995,0,0,'USD',NULL,NULL,NULL,'2026-01-02T03:04:05.006Z',NULL);
INSERT INTO "fact" VALUES(10,'capture','S01-7000000-0000002-C000001','Declined','2026-01-06T03:04:05.006Z',10,NULL,NULL,NULL,0,0,'rehearsal','sandbox','AREHEARSAL','S01-7000000-0000002','ref',NULL,NULL,NULL,1995,0,0,'USD',NULL,NULL,NULL,'2026-01-02T03:04:05.006Z',NULL);
INSERT INTO "fact" VALUES(11,'capture','S01-7000000-0000003-C000001','Completed','2026-01-05T03:04:05.006Z',11,1,11,NULL,1,0,'rehearsal','sandbox','AREHEARSAL','S01-7000000-0000003','ref',NULL,NULL,NULL,1995,0,0,'USD',NULL,NULL,NULL,'2026-01-02T03:04:05.006Z',NULL);
INSERT INTO "fact" VALUES(12,'capture','S01-7000000-0000003-C000001','Declined','2026-01-06T03:04:05.006Z',12,NULL,NULL,NULL,0,0,'rehearsal','sandbox','AREHEARSAL','S01-7000000-0000003','ref',NULL,NULL,NULL,1995,0,0,'USD',NULL,NULL,NULL,'2026-01-02T03:04:05.006Z',NULL);
INSERT INTO "fact" VALUES(13,'capture','S01-7000000-0000001-C000001','Pending','2026-01-02T03:04:05.006Z',13,1,13,NULL,1,1,'rehearsal','sandbox','AREHEARSAL','S01-7000000-0000001','ref',NULL,NULL,NULL,1995,0,0,'USD',NULL,NULL,NULL,'2026-01-02T03:04:05.006Z',NULL);
INSERT INTO "fact" VALUES(14,'capture','S01-7000000-0000006-C000001','Completed','2026-01-07T03:04:05.006Z',18,1,14,NULL,1,0,'rehearsal','sandbox','AREHEARSAL','S01-7000000-0000006','ref',NULL,NULL,NULL,1995,0,0,'USD',NULL,NULL,NULL,'2026-01-02T03:04:05.006Z',NULL);
CREATE TABLE fact_id (
fact_id INTEGER NOT NULL REFERENCES fact (id),
object_id TEXT NOT NULL,
PRIMARY KEY (fact_id, object_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "fact_id" VALUES(4,'S01-6696508-1827131-C851441');
CREATE TABLE hook (
name TEXT PRIMARY KEY,
registered_at TEXT NOT NULL,
since_event INTEGER NOT NULL,
seen_event INTEGER NOT NULL,
active INTEGER NOT NULL CHECK (active IN (0, 1))
) STRICT, WITHOUT ROWID;
INSERT INTO "hook" VALUES('keep','2026-11-26T16:26:26.397Z',0,18,1);
INSERT INTO "hook" VALUES('later','2026-11-26T16:26:26.397Z',0,18,1);
INSERT INTO "hook" VALUES('refuse','2026-11-26T16:26:26.397Z',0,18,1);
INSERT INTO "hook" VALUES('ship','2026-11-26T16:26:26.397Z',0,18,1);
CREATE TABLE hook_run (
event_id INTEGER NOT NULL REFERENCES event (id),
hook TEXT NOT NULL,
account TEXT NOT NULL,
environment TEXT NOT NULL,
lane TEXT NOT NULL,
state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'done', 'dead', 'skipped')),
attempts INTEGER NOT NULL DEFAULT 0,
next_attempt_at TEXT,
exit_status INTEGER,
detail TEXT,
output TEXT,
updated_at TEXT NOT NULL,
PRIMARY KEY (event_id, hook)
) STRICT, WITHOUT ROWID;
INSERT INTO "hook_run" VALUES(1,'keep','rehearsal','sandbox','S01-6696508-1827131','done',1,NULL,0,'exit 0','kept order_reference.open
','2026-11-26T16:26:26.875Z');
INSERT INTO "hook_run" VALUES(2,'keep','rehearsal','sandbox','S01-6696508-1827131','done',1,NULL,0,'exit 0','kept authorization.open
','2026-11-26T16:26:26.883Z');
INSERT INTO "hook_run" VALUES(2,'ship','rehearsal','sandbox','S01-6696508-1827131','skipped',0,NULL,NULL,'environment: the event is of sandbox, the hook is for live',NULL,'2026-11-26T16:26:26.869Z');
INSERT INTO "hook_run" VALUES(3,'keep','rehearsal','sandbox','S01-6696508-1827131','done',1,NULL,0,'exit 0','kept capture.completed
','2026-11-26T16:26:26.892Z');
INSERT INTO "hook_run" VALUES(3,'later','rehearsal','sandbox','S01-6696508-1827131','pending',1,'2026-11-26T17:26:26.875Z',75,'exit 75','','2026-11-26T16:26:26.875Z');
INSERT INTO "hook_run" VALUES(4,'keep','rehearsal','sandbox','S01-6696508-1827131','done',1,NULL,0,'exit 0','kept authorization.closed
','2026-11-26T16:26:26.911Z');
INSERT INTO "hook_run" VALUES(5,'keep','rehearsal','sandbox','S01-6696508-1827131','done',1,NULL,0,'exit 0','kept refund.completed
','2026-11-26T16:26:26.925Z');
INSERT INTO "hook_run" VALUES(5,'refuse','rehearsal','sandbox','S01-6696508-1827131','dead',1,NULL,100,'exit 100','cannot
','2026-11-26T16:26:26.875Z');
INSERT INTO "hook_run" VALUES(6,'keep','rehearsal','sandbox','S01-6696508-1827131','done',1,NULL,0,'exit 0',NULL,'2026-11-26T16:26:26.943Z');
INSERT INTO "hook_run" VALUES(7,'keep','rehearsal','sandbox','S01-7000000-0000001','done',1,NULL,0,'exit 0',NULL,'2026-11-26T16:26:26.875Z');
INSERT INTO "hook_run" VALUES(7,'later','rehearsal','sandbox','S01-7000000-0000001','pending',1,'2026-11-26T17:26:26.883Z',75,'exit 75','','2026-11-26T16:26:26.883Z');
INSERT INTO "hook_run" VALUES(8,'keep','rehearsal','sandbox','S01-7000000-0000001','done',1,NULL,0,'exit 0',NULL,'2026-11-26T16:26:26.883Z');
INSERT INTO "hook_run" VALUES(9,'keep','rehearsal','sandbox','S01-7000000-0000002','done',1,NULL,0,'exit 0',NULL,'2026-11-26T16:26:26.883Z');
INSERT INTO "hook_run" VALUES(9,'later','rehearsal','sandbox','S01-7000000-0000002','pending',1,'2026-11-26T17:13:50.892Z',75,'exit 75','','2026-11-26T16:26:26.892Z');
INSERT INTO "hook_run" VALUES(10,'keep','rehearsal','sandbox','S01-7000000-0000002','done',1,NULL,0,'exit 0',NULL,'2026-11-26T16:26:26.892Z');
INSERT INTO "hook_run" VALUES(11,'keep','rehearsal','sandbox','S01-7000000-0000003','done',1,NULL,0,'exit 0',NULL,'2026-11-26T16:26:26.892Z');
INSERT INTO "hook_run" VALUES(11,'later','rehearsal','sandbox','S01-7000000-0000003','pending',1,'2026-11-26T17:12:53.311Z',75,'exit 75','','2026-11-26T16:26:26.911Z');
INSERT INTO "hook_run" VALUES(12,'keep','rehearsal','sandbox','S01-7000000-0000003','done',1,NULL,0,'exit 0',NULL,'2026-11-26T16:26:26.911Z');
INSERT INTO "hook_run" VALUES(13,'keep','rehearsal','sandbox','S01-7000000-0000001','done',1,NULL,0,'exit 0',NULL,'2026-11-26T16:26:26.923Z');
INSERT INTO "hook_run" VALUES(14,'keep','rehearsal','sandbox','S01-7000000-0000004','done',1,NULL,0,'exit 0',NULL,'2026-11-26T16:26:26.923Z');
INSERT INTO "hook_run" VALUES(15,'keep','rehearsal','sandbox','S01-7000000-0000005','done',1,NULL,0,'exit 0',NULL,'2026-11-26T16:26:26.925Z');
INSERT INTO "hook_run" VALUES(16,'keep','rehearsal','sandbox','f76a658b-ed45-46ae-aa7c-2480097f4575','done',1,NULL,0,'exit 0',NULL,'2026-11-26T16:26:26.925Z');
INSERT INTO "hook_run" VALUES(17,'keep','rehearsal','sandbox','e7501209-4af4-4e8d-8494-a587b9fe1203','done',1,NULL,0,'exit 0',NULL,'2026-11-26T16:26:26.935Z');
INSERT INTO "hook_run" VALUES(18,'keep','rehearsal','sandbox','S01-6696508-1827131','done',1,NULL,0,'exit 0',NULL,'2026-11-26T16:26:26.951Z');
CREATE TABLE notification (
id INTEGER PRIMARY KEY,
message_id TEXT NOT NULL UNIQUE,
account TEXT NOT NULL,
type TEXT,
reference_id TEXT,
seller_id TEXT,
environment TEXT CHECK (environment IN ('sandbox', 'live')),
is_sample INTEGER NOT NULL CHECK (is_sample IN (0, 1)),
sent_at TEXT NOT NULL,
received_at TEXT NOT NULL,
verdict TEXT NOT NULL CHECK (verdict IN ('sample', 'foreign', 'unrecognized', 'applied', 'unchanged', 'stale', 'conflict')),
why TEXT,
object_type TEXT,
object_id TEXT,
raw TEXT
) STRICT;
INSERT INTO "notification" VALUES(1,'c0a7a870-aca1-56b8-8171-7eb9f12bf2b3','rehearsal','OrderReferenceNotification','770fe483-7f30-4c07-8212-fd3a6827efb3','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.444Z','2026-11-26T16:26:26.451Z','applied',NULL,'order_reference','S01-6696508-1827131','{
  "Type" : "Notification",
  "MessageId" : "c0a7a870-aca1-56b8-8171-7eb9f12bf2b3",
  "TopicArn" : "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL",
  "Message" : "{\"ReleaseEnvironment\":\"Sandbox\",\"MarketplaceID\":\"623690\",\"Version\":\"2013-01-01\",\"NotificationType\":\"OrderReferenceNotification\",\"SellerId\":\"AREHEARSAL\",\"NotificationReferenceId\":\"770fe483-7f30-4c07-8212-fd3a6827efb3\",\"Timestamp\":\"2026-11-26T16:26:26.432Z\",\"NotificationData\":\"<?xml version=\\\"1.0\\\" encoding=\\\"UTF-8\\\"?><OrderReferenceNotification xmlns=\\\"https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01\\\">\\n    <OrderReference>\\n        <AmazonOrderReferenceId>S01-6696508-1827131<\\/AmazonOrderReferenceId>\\n        <OrderTotal>\\n            <Amount>19.95<\\/Amount>\\n            <CurrencyCode>USD<\\/CurrencyCode>\\n        <\\/OrderTotal>\\n        <SellerOrderAttributes>\\n            <SellerId>AREHEARSAL<\\/SellerId>\\n            <SellerOrderId>order-540841<\\/SellerOrderId>\\n            <OrderItemCategories/>\\n        <\\/SellerOrderAttributes>\\n        <OrderReferenceStatus>\\n            <State>Open<\\/State>\\n            <LastUpdateTimestamp>2026-11-26T16:24:06.609Z<\\/LastUpdateTimestamp>\\n        <\\/OrderReferenceStatus>\\n        <CreationTimestamp>2026-11-26T16:23:23.943Z<\\/CreationTimestamp>\\n        <ExpirationTimestamp>2027-05-25T16:23:23.943Z<\\/ExpirationTimestamp>\\n    <\\/OrderReference>\\n<\\/OrderReferenceNotification>\"}",
  "Timestamp" : "2026-11-26T16:26:26.444Z",
  "SignatureVersion" : "1",
  "Signature" : "inP6TWLj98CsgUBOtmW+B6RIRbY9M0RY/Y6DNsNYOx1Yup4/1XurnfPunNAyZM810IHhiXnMX413j5T9nMvoufbJ1N2UVP0hWcH4jwXTzDBRyBbnmf3iwhBMTQYKFtX1pErwyPyBNZ16qc0SfLvHzd9Hi19hyfI0iWlv1V8ePEmC4eRjRlYXNMeiirBI2wCFL2/Bjypk7oeBrChR22bcTmFtsawvJjLFAcZR8ijJCo/2CpmeRiTwPTHDOtJAaWr+7TG3QvyolfhMC+FMHfbBpy/uvMms+JYnfCdOkjam9YvrG2bCvFDdahv37JuoSssa4Uz7gsmS+uWrhTRFeNDWKA==",
  "SigningCertURL" : "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a64e471890974e4f8c574a4bc9cb064a.pem",
  "UnsubscribeURL" : "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL:597ef7c5-0000-4000-8000-000000000001"
}');
INSERT INTO "notification" VALUES(2,'67467da6-2900-5b29-a4b1-229d514de449','rehearsal','PaymentAuthorize','082e78d9-04f5-40c1-b62f-a6151b9605b7','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.453Z','2026-11-26T16:26:26.453Z','applied',NULL,'authorization','S01-6696508-1827131-A851441','{
  "Type" : "Notification",
  "MessageId" : "67467da6-2900-5b29-a4b1-229d514de449",
  "TopicArn" : "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL",
  "Message" : "{\"ReleaseEnvironment\":\"Sandbox\",\"MarketplaceID\":\"623690\",\"Version\":\"2013-01-01\",\"NotificationType\":\"PaymentAuthorize\",\"SellerId\":\"AREHEARSAL\",\"NotificationReferenceId\":\"082e78d9-04f5-40c1-b62f-a6151b9605b7\",\"Timestamp\":\"2026-11-26T16:26:26.441Z\",\"NotificationData\":\"<?xml version=\\\"1.0\\\" encoding=\\\"UTF-8\\\"?><AuthorizationNotification xmlns=\\\"https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01\\\">\\n    <AuthorizationDetails>\\n        <AmazonAuthorizationId>S01-6696508-1827131-A851441<\\/AmazonAuthorizationId>\\n        <AuthorizationReferenceId>order-540841-auth1<\\/AuthorizationReferenceId>\\n        <AuthorizationAmount>\\n            <Amount>19.95<\\/Amount>\\n            <CurrencyCode>USD<\\/CurrencyCode>\\n        <\\/AuthorizationAmount>\\n        <CapturedAmount>\\n            <Amount>0.0<\\/Amount>\\n            <CurrencyCode>USD<\\/CurrencyCode>\\n        <\\/CapturedAmount>\\n        <AuthorizationFee>\\n            <Amount>0.0<\\/Amount>\\n            <CurrencyCode>USD<\\/CurrencyCode>\\n        <\\/AuthorizationFee>\\n        <IdList/>\\n        <CreationTimestamp>2026-11-26T16:24:09.728Z<\\/CreationTimestamp>\\n        <ExpirationTimestamp>2026-12-26T16:24:09.728Z<\\/ExpirationTimestamp>\\n        <AuthorizationStatus>\\n            <State>Open<\\/State>\\n            <LastUpdateTimestamp>2026-11-26T16:24:14.966Z<\\/LastUpdateTimestamp>\\n        <\\/AuthorizationStatus>\\n        <SoftDecline>false<\\/SoftDecline>\\n        <OrderItemCategories/>\\n        <CaptureNow>false<\\/CaptureNow>\\n        <SoftDescriptor>AMZ*Rehearsal<\\/SoftDescriptor>\\n    <\\/AuthorizationDetails>\\n<\\/AuthorizationNotification>\"}",
  "Timestamp" : "2026-11-26T16:26:26.453Z",
  "SignatureVersion" : "1",
  "Signature" : "tMuJplG19fbN38HKgn+RgVNRtFmL45hv1pGHGLyRGDYMXkSDdmL+viFCrwAYSCs12vJg78y8sDIhnCEzjwkX4wwCV4n1zAjWdZlQ4YJo73PPyPNroHZSzOd9ylpN65CKypjoOdEb4q9QWHBqKDX7mlJemxZ9VKaINkGxr4MZxiRQNPgfUIW6gzRCNGnI8mlb8Oauz6SE8utDb8aP0XnkhFijLr/WwDj5yIjuSJ1rGDomxYg3T8WJgeywvduKpexSFRvndTHso8PQ0scTQ9LLtuNxihLUMS9I4Dv1+Ph/CyRNWabuWzUWIUaMk+pFXNSMWJjFn0Lk/GDbpcbhIYEdCg==",
  "SigningCertURL" : "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a64e471890974e4f8c574a4bc9cb064a.pem",
  "UnsubscribeURL" : "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL:597ef7c5-0000-4000-8000-000000000001"
}');
INSERT INTO "notification" VALUES(3,'0cdde659-ad20-516a-bf40-a734861b890e','rehearsal','PaymentCapture','9142c877-bddb-43a4-bfdc-f2e6dd45d85a','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.454Z','2026-11-26T16:26:26.455Z','applied',NULL,'capture','S01-6696508-1827131-C851441','{
  "Type" : "Notification",
  "MessageId" : "0cdde659-ad20-516a-bf40-a734861b890e",
  "TopicArn" : "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL",
  "Message" : "{\"ReleaseEnvironment\":\"Sandbox\",\"MarketplaceID\":\"623690\",\"Version\":\"2013-01-01\",\"NotificationType\":\"PaymentCapture\",\"SellerId\":\"AREHEARSAL\",\"NotificationReferenceId\":\"9142c877-bddb-43a4-bfdc-f2e6dd45d85a\",\"Timestamp\":\"2026-11-26T16:26:26.442Z\",\"NotificationData\":\"<?xml version=\\\"1.0\\\" encoding=\\\"UTF-8\\\"?><CaptureNotification xmlns=\\\"https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01\\\">\\n    <CaptureDetails>\\n        <AmazonCaptureId>S01-6696508-1827131-C851441<\\/AmazonCaptureId>\\n        <CaptureReferenceId>order-540841-capture1<\\/CaptureReferenceId>\\n        <CaptureAmount>\\n            <Amount>19.95<\\/Amount>\\n            <CurrencyCode>USD<\\/CurrencyCode>\\n        <\\/CaptureAmount>\\n        <RefundedAmount>\\n            <Amount>0.0<\\/Amount>\\n            <CurrencyCode>USD<\\/CurrencyCode>\\n        <\\/RefundedAmount>\\n        <CaptureFee>\\n            <Amount>0.0<\\/Amount>\\n            <CurrencyCode>USD<\\/CurrencyCode>\\n        <\\/CaptureFee>\\n        <IdList/>\\n        <CreationTimestamp>2026-11-26T16:24:44.783Z<\\/CreationTimestamp>\\n        <CaptureStatus>\\n            <State>Completed<\\/State>\\n            <LastUpdateTimestamp>2026-11-26T16:24:44.783Z<\\/LastUpdateTimestamp>\\n        <\\/CaptureStatus>\\n        <SoftDescriptor>AMZ*Rehearsal<\\/SoftDescriptor>\\n    <\\/CaptureDetails>\\n<\\/CaptureNotification>\"}",
  "Timestamp" : "2026-11-26T16:26:26.454Z",
  "SignatureVersion" : "1",
  "Signature" : "G5PmwTZs+9rV2XtTKJkXIBW/9pfJfURFXB19eJvWNC5koU7sP8UHPAoKg1DC/EIk92gLwj3Xv9NCS1VwXndIL6GiFv68Zz1E+upVMeWbQ8F6LnPZ2BAro4aU1beZQLz0k+IXK5fmE8H/oC8mc8P+jasb0WHnyeEaUBcChZN2Tlc+AWIUQbImeD1TN+z7IZPdg1SG2F5uhYfaQzITZCyH4iEoakYfJHy5Y7wZtcYIjghhwxWhEFQ7Q0wlFen/CkQ/r7Ns3s9/CPsy8DyKhdMMdqBxJlVZGat/MoPz1KNx/Laz/RMN4Ns7bMdgnp8Iqr39e4tyPJS5Rf0sWcf0K6gPxg==",
  "SigningCertURL" : "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a64e471890974e4f8c574a4bc9cb064a.pem",
  "UnsubscribeURL" : "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL:597ef7c5-0000-4000-8000-000000000001"
}');
INSERT INTO "notification" VALUES(4,'b08e7744-603c-5fa2-bbd1-bc406643c8d1','rehearsal','PaymentAuthorize','702e5fe6-6946-4e63-83d6-4467dd19464e','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.455Z','2026-11-26T16:26:26.456Z','applied',NULL,'authorization','S01-6696508-1827131-A851441',NULL);
INSERT INTO "notification" VALUES(5,'ae86208a-5b22-57d1-835e-2e9a3bd8802a','rehearsal','PaymentRefund','421b4f1b-a1f0-4ea6-971c-c3136d79e6aa','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.457Z','2026-11-26T16:26:26.457Z','applied',NULL,'refund','S01-6696508-1827131-R454411',NULL);
INSERT INTO "notification" VALUES(6,'3a9a8a88-2b7f-59a2-917e-8594a0768c01','rehearsal','OrderReferenceNotification','a627164f-3216-4db8-ba19-002c69099c6c','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.458Z','2026-11-26T16:26:26.458Z','applied',NULL,'order_reference','S01-6696508-1827131',NULL);
INSERT INTO "notification" VALUES(7,'28770d31-9c43-4e01-8277-9d2c0afcfafd','rehearsal','PaymentCapture','1da3bbe6-fcb9-44e0-8066-0ff529542088','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.000Z','2026-11-26T16:26:26.475Z','applied',NULL,'capture','S01-7000000-0000001-C000001',NULL);
INSERT INTO "notification" VALUES(8,'7629f5fd-704b-4432-b18b-a2f20a0801be','rehearsal','PaymentCapture','523e3e5e-7705-4644-94cb-9cd2679811a4','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.000Z','2026-11-26T16:26:26.486Z','conflict','Declined cannot follow Completed: held','capture','S01-7000000-0000001-C000001','{"Type": "Notification", "MessageId": "7629f5fd-704b-4432-b18b-a2f20a0801be", "TopicArn": "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL", "Message": "{\"ReleaseEnvironment\": \"Sandbox\", \"MarketplaceID\": \"623690\", \"Version\": \"2013-01-01\", \"NotificationType\": \"PaymentCapture\", \"SellerId\": \"AREHEARSAL\", \"NotificationReferenceId\": \"523e3e5e-7705-4644-94cb-9cd2679811a4\", \"Timestamp\": \"2026-01-02T03:04:05.006Z\", \"NotificationData\": \"<?xml version=\\\"1.0\\\" encoding=\\\"UTF-8\\\"?><CaptureNotification xmlns=\\\"https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01\\\"><CaptureDetails><AmazonCaptureId>S01-7000000-0000001-C000001</AmazonCaptureId><CaptureReferenceId>ref</CaptureReferenceId><CaptureAmount><Amount>19.95</Amount><CurrencyCode>USD</CurrencyCode></CaptureAmount><RefundedAmount><Amount>0.0</Amount><CurrencyCode>USD</CurrencyCode></RefundedAmount><CaptureFee><Amount>0.0</Amount><CurrencyCode>USD</CurrencyCode></CaptureFee><IdList/><CreationTimestamp>2026-01-02T03:04:05.006Z</CreationTimestamp><CaptureStatus><State>Declined</State><LastUpdateTimestamp>2026-01-06T03:04:05.006Z</LastUpdateTimestamp></CaptureStatus><SoftDescriptor>AMZ*shop</SoftDescriptor></CaptureDetails></CaptureNotification>\"}", "Timestamp": "2026-11-26T16:26:26.000Z", "SignatureVersion": "1", "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a64e471890974e4f8c574a4bc9cb064a.pem", "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=x", "Signature": "OAbdjd9odNHDfjaZxazByspY+R9U7PEFUTXIlJZ9zsZpKghgXPzwLdmpdDKZJC+qY30LF7em2vygJBJ5RwlXDXszx0mG+xJrHp1YcgMPAgXeAEiRCLhky7iTEQ5LL+ZHt2H7kQn0SwmYaqHfBtG7G4hfh5Z7+65iFRAP1imrL2NTirHG6PTZXTh0YdgYzkr6duYtwrDpnGD2hJyz+eVHgffI47eEZmSsd961yNVzt/2KM3xXIjBnPCAp3iXf5uXMuSr17607dNqxZ+CON8JNKuBuggx0cAHZxc7Nf5mJXisOGsOf2AO0ZTyGPVupxBMsrTs1vC/wucgPE6ON4bNAmA=="}');
INSERT INTO "notification" VALUES(9,'f96e4443-ab5a-43f3-beda-32cac47c8b66','rehearsal','PaymentCapture','75f78e2c-760c-407b-ad04-5cc354805ae9','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.000Z','2026-11-26T16:26:26.507Z','applied',NULL,'capture','S01-7000000-0000002-C000001',NULL);
INSERT INTO "notification" VALUES(10,'423236dc-38ae-4c15-ae8d-4a2fe0ddaf32','rehearsal','PaymentCapture','6632790b-e799-4cd0-86b9-b2f209093f02','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.000Z','2026-11-26T16:26:26.534Z','conflict','Declined cannot follow Completed: held','capture','S01-7000000-0000002-C000001','{"Type": "Notification", "MessageId": "423236dc-38ae-4c15-ae8d-4a2fe0ddaf32", "TopicArn": "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL", "Message": "{\"ReleaseEnvironment\": \"Sandbox\", \"MarketplaceID\": \"623690\", \"Version\": \"2013-01-01\", \"NotificationType\": \"PaymentCapture\", \"SellerId\": \"AREHEARSAL\", \"NotificationReferenceId\": \"6632790b-e799-4cd0-86b9-b2f209093f02\", \"Timestamp\": \"2026-01-02T03:04:05.006Z\", \"NotificationData\": \"<?xml version=\\\"1.0\\\" encoding=\\\"UTF-8\\\"?><CaptureNotification xmlns=\\\"https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01\\\"><CaptureDetails><AmazonCaptureId>S01-7000000-0000002-C000001</AmazonCaptureId><CaptureReferenceId>ref</CaptureReferenceId><CaptureAmount><Amount>19.95</Amount><CurrencyCode>USD</CurrencyCode></CaptureAmount><RefundedAmount><Amount>0.0</Amount><CurrencyCode>USD</CurrencyCode></RefundedAmount><CaptureFee><Amount>0.0</Amount><CurrencyCode>USD</CurrencyCode></CaptureFee><IdList/><CreationTimestamp>2026-01-02T03:04:05.006Z</CreationTimestamp><CaptureStatus><State>Declined</State><LastUpdateTimestamp>2026-01-06T03:04:05.006Z</LastUpdateTimestamp></CaptureStatus><SoftDescriptor>AMZ*shop</SoftDescriptor></CaptureDetails></CaptureNotification>\"}", "Timestamp": "2026-11-26T16:26:26.000Z", "SignatureVersion": "1", "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a64e471890974e4f8c574a4bc9cb064a.pem", "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=x", "Signature": "RJH8IsPC1wfPou1VaOMl6Km3uJRQmdZGyu63M/kjaeqajVHMJsPKW6X+f+i2SUGk+UuxunC2rCjp2J831LexpiDxUfPjBgV/OZzIz2PQ5POhHtO6oMuiOePdnVkGA1wZ5YsbKvdKgjxrgIUu2LZkpvqViaIIoOsfVN+n59T0egQOmXqhyfonUvuX0FC6Cq5VEu5sXv0NRvn2y+DgaRfukoMlsia9TS/cCRArZD0Rw5d7A2GT7qbAAPEpUTLbqxPwz40Zfh2Ns5R/Mjsh0LF4W/O1tel0fv/qiTX5iZ2w1E3h5DajutEv6MeogBnMlLUZPfP07nYjLa/YeORLCqoMXw=="}');
INSERT INTO "notification" VALUES(11,'41ae3054-28f4-42cd-8976-f28ee32a91f6','rehearsal','PaymentCapture','b70acdfa-6687-4cb4-b46d-8d48aa295db3','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.000Z','2026-11-26T16:26:26.566Z','applied',NULL,'capture','S01-7000000-0000003-C000001',NULL);
INSERT INTO "notification" VALUES(12,'4119e71d-da55-478d-9c19-0e27d0d68fb8','rehearsal','PaymentCapture','54720c5d-c62d-4e36-a60f-c5074a0cac50','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.000Z','2026-11-26T16:26:26.591Z','conflict','Declined cannot follow Completed: held','capture','S01-7000000-0000003-C000001','{"Type": "Notification", "MessageId": "4119e71d-da55-478d-9c19-0e27d0d68fb8", "TopicArn": "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL", "Message": "{\"ReleaseEnvironment\": \"Sandbox\", \"MarketplaceID\": \"623690\", \"Version\": \"2013-01-01\", \"NotificationType\": \"PaymentCapture\", \"SellerId\": \"AREHEARSAL\", \"NotificationReferenceId\": \"54720c5d-c62d-4e36-a60f-c5074a0cac50\", \"Timestamp\": \"2026-01-02T03:04:05.006Z\", \"NotificationData\": \"<?xml version=\\\"1.0\\\" encoding=\\\"UTF-8\\\"?><CaptureNotification xmlns=\\\"https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01\\\"><CaptureDetails><AmazonCaptureId>S01-7000000-0000003-C000001</AmazonCaptureId><CaptureReferenceId>ref</CaptureReferenceId><CaptureAmount><Amount>19.95</Amount><CurrencyCode>USD</CurrencyCode></CaptureAmount><RefundedAmount><Amount>0.0</Amount><CurrencyCode>USD</CurrencyCode></RefundedAmount><CaptureFee><Amount>0.0</Amount><CurrencyCode>USD</CurrencyCode></CaptureFee><IdList/><CreationTimestamp>2026-01-02T03:04:05.006Z</CreationTimestamp><CaptureStatus><State>Declined</State><LastUpdateTimestamp>2026-01-06T03:04:05.006Z</LastUpdateTimestamp></CaptureStatus><SoftDescriptor>AMZ*shop</SoftDescriptor></CaptureDetails></CaptureNotification>\"}", "Timestamp": "2026-11-26T16:26:26.000Z", "SignatureVersion": "1", "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a64e471890974e4f8c574a4bc9cb064a.pem", "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=x", "Signature": "keRwXwXR4Xu6v1UJStJryxwu0u65ny7o2qSMEl+MpZVLF3BTlrdYN2NPYTJQB+MGIJ7rIb8dpKvNMzUgISwO3a+OP/hgyvTtcJ2UNugEqec10dNO3QhcQntK1j68nPYDw4LVjgRYCIAI/1h64O865/SqR/htSj8mnVW1Us2fG3eYZRpdVIQhudPnxNz3ZGS6uTCzYX8rxHxddbuadfhnTa7FOYnhCdvbjZG7Zghfz5P6kHvKNssnDz2y6Pfj1MAGSpaoYAU1fOZspagp8ubt0kD4oPmfKN2+uSfUzHkpGTlkB0lr8dmNOpXuT2tPMysJdgpEcDCWfDFrz5VOS8lgkA=="}');
INSERT INTO "notification" VALUES(13,'e84c209b-0c47-4cfb-bb51-ff0e270e8023','rehearsal','PaymentCapture','75eac188-678e-4697-b09f-c7d3afdf630c','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.000Z','2026-11-26T16:26:26.613Z','stale',NULL,'capture','S01-7000000-0000001-C000001',NULL);
INSERT INTO "notification" VALUES(14,'373bfbc3-7da7-4c35-a1c3-43077b120186','rehearsal','PaymentCapture','1577accb-39d0-4f71-b9db-72e696287d13','AELSE','sandbox',0,'2026-11-26T16:26:26.000Z','2026-11-26T16:26:26.684Z','foreign','SellerId AELSE is not among the account''s seller_id','capture','S01-7000000-0000004-C000001','{"Type": "Notification", "MessageId": "373bfbc3-7da7-4c35-a1c3-43077b120186", "TopicArn": "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL", "Message": "{\"ReleaseEnvironment\": \"Sandbox\", \"MarketplaceID\": \"623690\", \"Version\": \"2013-01-01\", \"NotificationType\": \"PaymentCapture\", \"SellerId\": \"AELSE\", \"NotificationReferenceId\": \"1577accb-39d0-4f71-b9db-72e696287d13\", \"Timestamp\": \"2026-01-02T03:04:05.006Z\", \"NotificationData\": \"<?xml version=\\\"1.0\\\" encoding=\\\"UTF-8\\\"?><CaptureNotification xmlns=\\\"https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01\\\"><CaptureDetails><AmazonCaptureId>S01-7000000-0000004-C000001</AmazonCaptureId><CaptureReferenceId>ref</CaptureReferenceId><CaptureAmount><Amount>19.95</Amount><CurrencyCode>USD</CurrencyCode></CaptureAmount><RefundedAmount><Amount>0.0</Amount><CurrencyCode>USD</CurrencyCode></RefundedAmount><CaptureFee><Amount>0.0</Amount><CurrencyCode>USD</CurrencyCode></CaptureFee><IdList/><CreationTimestamp>2026-01-02T03:04:05.006Z</CreationTimestamp><CaptureStatus><State>Completed</State><LastUpdateTimestamp>2026-01-05T03:04:05.006Z</LastUpdateTimestamp></CaptureStatus><SoftDescriptor>AMZ*shop</SoftDescriptor></CaptureDetails></CaptureNotification>\"}", "Timestamp": "2026-11-26T16:26:26.000Z", "SignatureVersion": "1", "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a64e471890974e4f8c574a4bc9cb064a.pem", "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=x", "Signature": "T6QvBGUTugAyaBASejnqaZTzVeC1/oJGataNa1Z0z8KooJSc8SaEDcj2TXbYizJogIVqkCbDDV0DwAisL6OVFYmAtmxHZo5TeCgksPh/XBYaVG6jm98smKS6Tr0kakAdkbvS4CmxZa1z8hPGYDP+YCd6aGczuFRWxE06qYCnP5+IX6OqIcI4x4DR1mDoaLmFNySOFbquRJeBBD7FD/CMHPeE8WXPkDv+/PI7AZFtlhpvRoBXx6ji4znwmZnRY5edADJL9ZoewvNhQbpvv1/5TRKKvRExloyQ3H/hY0hWD/0aIMTUOgqD5tdAe94Vd6zLOFFKJ1vxwhGZy0zpabGS7A=="}');
INSERT INTO "notification" VALUES(15,'b466f7ca-3f9b-4ddc-84d9-fcbca04404cf','rehearsal','PaymentCapture','3f08c22b-7374-42da-be83-692e634d37de','AREHEARSAL','sandbox',1,'2026-11-26T16:26:26.000Z','2026-11-26T16:26:26.728Z','sample',NULL,'capture','S01-7000000-0000005-C000001',NULL);
INSERT INTO "notification" VALUES(16,'f76a658b-ed45-46ae-aa7c-2480097f4575','rehearsal','NotOfThisVersion','17c9e5c4-87ec-43d9-9ed9-7e2fe761c119','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.000Z','2026-11-26T16:26:26.769Z','unrecognized','unknown NotificationType "NotOfThisVersion"',NULL,NULL,'{"Type": "Notification", "MessageId": "f76a658b-ed45-46ae-aa7c-2480097f4575", "TopicArn": "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL", "Message": "{\"ReleaseEnvironment\": \"Sandbox\", \"MarketplaceID\": \"623690\", \"Version\": \"2013-01-01\", \"NotificationType\": \"NotOfThisVersion\", \"SellerId\": \"AREHEARSAL\", \"NotificationReferenceId\": \"17c9e5c4-87ec-43d9-9ed9-7e2fe761c119\", \"Timestamp\": \"2026-01-02T03:04:05.006Z\", \"NotificationData\": \"<NewNotification xmlns=\\\"https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01\\\"><New>1</New></NewNotification>\"}", "Timestamp": "2026-11-26T16:26:26.000Z", "SignatureVersion": "1", "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a64e471890974e4f8c574a4bc9cb064a.pem", "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=x", "Signature": "iueemb47unBjoqNhrsu5Imn9V1dZ7SelJs5a2aT/KsnD9/FUT8fIga2AoA+bM5JdClPNT/3E9cPme+QjwaUBnJUZ8br+FQYtbtgb0ouu+Q0In6uj5NrG174gygGoKRzP+b5cQirv9IvreJUAqNph5uoDYR4mmfwHpJ1o9EK09vZhNlsevVR8cWw1oYplXxr+FDCdZcg+it5YVgElogZAd9n/A9ObtZ3EKcLuEBeudo8edz+yFvJHhFGujORhDqSm+An/aBFAuukISLU2qrQI1GSqLQa6LxKcrZ03pSTNWZx+6pnftDfFodaMDBOwY9+sk5s97wQCBogLs2IZdmNCPA=="}');
INSERT INTO "notification" VALUES(17,'e7501209-4af4-4e8d-8494-a587b9fe1203','rehearsal','PaymentCapture','0b2a57be-7848-4750-b4e3-6ebace2948a9','AREHEARSAL','sandbox',0,'2026-11-26T16:26:26.000Z','2026-11-26T16:26:26.831Z','unrecognized','XML: not well-formed: line 1: Premature end of data in tag unclosed line 1',NULL,NULL,'{"Type": "Notification", "MessageId": "e7501209-4af4-4e8d-8494-a587b9fe1203", "TopicArn": "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL", "Message": "{\"ReleaseEnvironment\": \"Sandbox\", \"MarketplaceID\": \"623690\", \"Version\": \"2013-01-01\", \"NotificationType\": \"PaymentCapture\", \"SellerId\": \"AREHEARSAL\", \"NotificationReferenceId\": \"0b2a57be-7848-4750-b4e3-6ebace2948a9\", \"Timestamp\": \"2026-01-02T03:04:05.006Z\", \"NotificationData\": \"<unclosed>\"}", "Timestamp": "2026-11-26T16:26:26.000Z", "SignatureVersion": "1", "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a64e471890974e4f8c574a4bc9cb064a.pem", "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=x", "Signature": "Z9Y+tWfMOS9hhz/oilAhGi9DFYRCGakV/7XrW6K7ssuwnn/bHn175CFQfYqrdnKay6NJ9dJrRhIj7nXezIJqo5H96dPx9uFGdC4l3qj+y4jF3ZMIuuFpRZipAaBNJ/T1USzkAF6ZYq9UIG9BLj6wstg/oi1qyatg4+UFVCrjYqFQq8kOKUiZk+NKqj6t2PsWr/sJrVIIWso+/HrCx/7m1zOvzyTW4b1nWdAT+kKrADC8H5gt/1JtY97HKlo/TBYGpBpq9h9bEcY5Jlsvk47oVZPDQwql1nbrUSpFxliftfyXSIcYeeTm0OqJ5XFqOCKRq86mB9JY+aZ9qMSrrkTmlg=="}');
INSERT INTO "notification" VALUES(18,'457b9b03-c5f3-45b0-ac71-e8ac811b3fb3','rehearsal','PaymentCapture','fe3acdd8-9bd9-427b-983b-94eddc3c2f34','AREHEARSAL','sandbox',0,'2026-11-26T16:26:28.000Z','2026-11-26T16:26:29.022Z','applied',NULL,'capture','S01-7000000-0000006-C000001',NULL);
CREATE TABLE order_reference (
order_reference_id TEXT PRIMARY KEY,
account TEXT NOT NULL,
environment TEXT NOT NULL,
state TEXT NOT NULL,
reason_code TEXT,
amount_minor INTEGER,
currency TEXT,
seller_order_id TEXT,
billing_agreement_id TEXT,
created_at TEXT,
expires_at TEXT,
updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "order_reference" VALUES('S01-6696508-1827131','rehearsal','sandbox','Closed','SellerClosed',1995,'USD','order-540841',NULL,'2026-11-26T16:23:23.943Z','2027-05-25T16:23:23.943Z','2026-11-26T16:26:24.083Z');
CREATE TABLE refund (
refund_id TEXT PRIMARY KEY,
capture_id TEXT,
order_reference_id TEXT,
account TEXT NOT NULL,
environment TEXT NOT NULL,
reference_id TEXT,
refund_type TEXT,
state TEXT NOT NULL,
reason_code TEXT,
amount_minor INTEGER,
fee_minor INTEGER,
currency TEXT,
created_at TEXT,
updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "refund" VALUES('S01-6696508-1827131-R454411','S01-6696508-1827131-C851441','S01-6696508-1827131','rehearsal','sandbox','order-540841-refund1','SellerInitiated','Completed',NULL,500,0,'USD','2026-11-26T16:25:44.163Z','2026-11-26T16:26:17.472Z');
CREATE TABLE refused_topic (
topic_arn TEXT PRIMARY KEY,
count INTEGER NOT NULL,
first_at TEXT NOT NULL,
last_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "refused_topic" VALUES('arn:aws:sns:us-east-1:291180941288:A3M3RRFO9XDT2GAREHEARSAL',1,'2026-11-26T16:26:26.858Z','2026-11-26T16:26:26.858Z');
CREATE TABLE verdict_count (
verdict TEXT PRIMARY KEY,
count INTEGER NOT NULL,
last_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "verdict_count" VALUES('applied',10,'2026-11-26T16:26:29.024Z');
INSERT INTO "verdict_count" VALUES('conflict',3,'2026-11-26T16:26:26.593Z');
INSERT INTO "verdict_count" VALUES('foreign',1,'2026-11-26T16:26:26.694Z');
INSERT INTO "verdict_count" VALUES('sample',1,'2026-11-26T16:26:26.738Z');
INSERT INTO "verdict_count" VALUES('stale',1,'2026-11-26T16:26:26.616Z');
INSERT INTO "verdict_count" VALUES('subscription',1,'2026-11-26T16:26:26.846Z');
INSERT INTO "verdict_count" VALUES('topic-unnamed',1,'2026-11-26T16:26:26.858Z');
INSERT INTO "verdict_count" VALUES('unrecognized',2,'2026-11-26T16:26:26.831Z');
CREATE INDEX notification_object ON notification (object_id) WHERE object_id IS NOT NULL;
CREATE INDEX notification_received ON notification (received_at);
CREATE INDEX fact_order_reference ON fact (order_reference_id) WHERE order_reference_id IS NOT NULL;
CREATE INDEX fact_held ON fact (object_id) WHERE place IS NULL;
CREATE INDEX fact_begins ON fact (begins) WHERE begins IS NOT NULL;
CREATE INDEX fact_id_object ON fact_id (object_id);
CREATE VIEW transition AS
SELECT begins AS id, object_type, object_id, from_state, state AS to_state, reason_code, at, late, notification_id,
account, environment
FROM fact WHERE begins IS NOT NULL;
CREATE INDEX order_reference_seller_order ON order_reference (seller_order_id) WHERE seller_order_id IS NOT NULL;
CREATE INDEX order_reference_updated ON order_reference (updated_at);
CREATE INDEX authorization_order_reference ON authorization (order_reference_id);
CREATE INDEX authorization_updated ON authorization (updated_at);
CREATE INDEX capture_order_reference ON capture (order_reference_id);
CREATE INDEX capture_updated ON capture (updated_at);
CREATE INDEX refund_order_reference ON refund (order_reference_id);
CREATE INDEX refund_updated ON refund (updated_at);
CREATE INDEX event_object ON event (object_id);
CREATE INDEX event_lane ON event (lane);
CREATE INDEX hook_run_due ON hook_run (next_attempt_at) WHERE state = 'pending';
CREATE INDEX hook_run_open ON hook_run (hook, lane, event_id) WHERE state IN ('pending', 'running');
CREATE INDEX hook_run_dead ON hook_run (updated_at) WHERE state = 'dead';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('event',19);
COMMIT;
