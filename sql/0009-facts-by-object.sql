-- Schema 9. The facts of an order are found by their objects, whose ids begin with its own: one index over ids less (see schema 7).

DROP INDEX fact_order_reference;
