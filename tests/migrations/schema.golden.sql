CREATE TABLE `customer_units` (
  `product_id` int unsigned NOT NULL,
  `customer_id` varchar(128) COLLATE utf8mb4_0900_bin NOT NULL,
  `units` int NOT NULL,
  `unpaid_units` int NOT NULL DEFAULT '0' COMMENT 'of units: those in live holds and unpaid orders',
  `paused_until` datetime(6) DEFAULT NULL COMMENT 'UTC; the customer may not hold before; NULL: never had to pause',
  PRIMARY KEY (`product_id`,`customer_id`),
  CONSTRAINT `fk_customer_units_product_id` FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`),
  CONSTRAINT `ck_customer_units_units` CHECK ((`units` >= 0)),
  CONSTRAINT `ck_customer_units_unpaid_units` CHECK ((`unpaid_units` between 0 and `units`))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='units that a customer has of a product with a limit per customer';

CREATE TABLE `hold_history` (
  `hold_id` binary(16) NOT NULL COMMENT 'UUID version 7',
  `hold_uuid` char(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (bin_to_uuid(`hold_id`)) VIRTUAL,
  `product_id` int unsigned NOT NULL,
  `qty` int NOT NULL,
  `unit_price_minor` bigint NOT NULL COMMENT 'in minor units',
  `customer_id` varchar(128) COLLATE utf8mb4_0900_bin DEFAULT NULL,
  `idempotency_key` varchar(272) COLLATE utf8mb4_0900_bin DEFAULT NULL,
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  `expires_at` datetime(6) NOT NULL COMMENT 'UTC',
  `extended_at` datetime(6) DEFAULT NULL COMMENT 'UTC; NULL: it was not extended',
  `ended_at` datetime(6) NOT NULL COMMENT 'UTC',
  `ended_as` enum('ordered','expired','released','stopped') COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'stopped: an operator ended the sale',
  PRIMARY KEY (`hold_id`),
  KEY `ix_hold_history_idempotency_key` (`idempotency_key`),
  KEY `ix_hold_history_customer_id` (`customer_id`),
  KEY `ix_hold_history_ended_as_ended_at` (`ended_as`,`ended_at`),
  KEY `ix_hold_history_product_id_ended_at` (`product_id`,`ended_at`),
  CONSTRAINT `ck_hold_history_expires_at` CHECK ((`expires_at` > `created_at`)),
  CONSTRAINT `ck_hold_history_qty` CHECK ((`qty` >= 1)),
  CONSTRAINT `ck_hold_history_unit_price_minor` CHECK ((`unit_price_minor` >= 0))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='a hold that ended: ordered, expired, released or stopped';

CREATE TABLE `holds` (
  `hold_id` binary(16) NOT NULL COMMENT 'UUID version 7',
  `hold_uuid` char(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (bin_to_uuid(`hold_id`)) VIRTUAL,
  `product_id` int unsigned NOT NULL,
  `qty` int NOT NULL,
  `unit_price_minor` bigint NOT NULL COMMENT 'the price that the buyer saw, in minor units; its order costs this',
  `customer_id` varchar(128) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'the shop''s name for the buyer; compared byte by byte',
  `idempotency_key` varchar(272) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'compared byte by byte; NULL: none was given',
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  `expires_at` datetime(6) NOT NULL COMMENT 'UTC; from this instant on the hold is void, swept or not. A paid hold never is: 9999-12-31',
  `order_at` datetime(6) DEFAULT NULL COMMENT 'UTC; a payment waits for the order of this hold: then the sweep makes it; NULL: not paid',
  `unpaid_until` datetime(6) DEFAULT NULL COMMENT 'UTC; when a paid hold expires if all of the money goes back; NULL: not paid',
  `extended_at` datetime(6) DEFAULT NULL COMMENT 'UTC; a hold is extended once; NULL: it was not',
  PRIMARY KEY (`hold_id`),
  UNIQUE KEY `uq_holds_idempotency_key` (`idempotency_key`),
  KEY `ix_holds_product_id_expires_at` (`product_id`,`expires_at`,`qty`),
  CONSTRAINT `fk_holds_product_id` FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`),
  CONSTRAINT `ck_holds_expires_at` CHECK ((`expires_at` > `created_at`)),
  CONSTRAINT `ck_holds_order_at` CHECK (((`order_at` is not null) = (`expires_at` = _utf8mb4'9999-12-31'))),
  CONSTRAINT `ck_holds_qty` CHECK ((`qty` >= 1)),
  CONSTRAINT `ck_holds_unit_price_minor` CHECK ((`unit_price_minor` >= 0)),
  CONSTRAINT `ck_holds_unpaid_until` CHECK (((`unpaid_until` is not null) = (`order_at` is not null)))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='a live reservation, and only that';

CREATE TABLE `notification_receivers` (
  `receiver` varchar(255) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'the URL of a receiver, as FLASHSALE_NOTIFY_URL has it',
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  PRIMARY KEY (`receiver`),
  CONSTRAINT `ck_notification_receivers_receiver` CHECK ((`receiver` <> _utf8mb4''))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='a URL that is told of what happens; none: nothing is written';

CREATE TABLE `notifications` (
  `notification_id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `receiver` varchar(255) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'the URL that it goes to',
  `kind` enum('order.created','order.paid','order.cancelled','order.refunded','hold.expired','payment.due','payment.disputed','product.sold_out','product.available') COLLATE utf8mb4_0900_bin NOT NULL,
  `subject` varchar(255) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'what it is about: the id of the order or of its hold; of a payment without one, its own; product and its id',
  `body` json NOT NULL COMMENT 'as it is sent',
  `state` enum('pending','delivered','failed') COLLATE utf8mb4_0900_bin NOT NULL DEFAULT 'pending' COMMENT 'failed: nobody tries any more',
  `attempts` int NOT NULL DEFAULT '0' COMMENT 'how often it was claimed; the number of an attempt is its claim',
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  `due_at` datetime(6) NOT NULL COMMENT 'UTC; not claimed before: the next attempt, or the end of the lease of who is at it',
  `gives_up_at` datetime(6) NOT NULL DEFAULT ((greatest(utc_timestamp(6),`created_at`) + interval 3 day)) COMMENT 'UTC; no attempt begins later',
  `settled_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when it was delivered or failed',
  `last_error` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'why the last attempt that failed did',
  PRIMARY KEY (`notification_id`),
  KEY `ix_notifications_state_receiver_due_at` (`state`,`receiver`,`due_at`),
  KEY `ix_notifications_subject_receiver` (`subject`,`receiver`),
  CONSTRAINT `ck_notifications_attempts` CHECK ((`attempts` >= 0)),
  CONSTRAINT `ck_notifications_due_at` CHECK ((`due_at` >= `created_at`)),
  CONSTRAINT `ck_notifications_gives_up_at` CHECK ((`gives_up_at` > `created_at`)),
  CONSTRAINT `ck_notifications_last_error` CHECK (((`state` <> _utf8mb4'failed') or (`last_error` is not null))),
  CONSTRAINT `ck_notifications_settled_at` CHECK (((`settled_at` is null) = (`state` = _utf8mb4'pending')))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='what one receiver is to be told of one thing that happened: the outbox';

CREATE TABLE `operator_actions` (
  `action_id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `action` enum('set_price','set_sale_window','set_limits','stop_sale','pause_sale','resume_sale','archive_product','cancel_order','accept_payment','record_refund','reprocess_webhook','forget_customer') COLLATE utf8mb4_0900_bin NOT NULL,
  `product_id` int unsigned DEFAULT NULL COMMENT 'NULL: not of one product',
  `order_id` binary(16) DEFAULT NULL,
  `order_uuid` char(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (bin_to_uuid(`order_id`)) VIRTUAL,
  `payment_id` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL,
  `detail` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'what it became',
  `reason` varchar(255) COLLATE utf8mb4_0900_bin NOT NULL,
  `account` varchar(288) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'the account that asked for it, as USER() names it',
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  PRIMARY KEY (`action_id`),
  KEY `ix_operator_actions_product_id` (`product_id`),
  KEY `ix_operator_actions_order_id` (`order_id`),
  CONSTRAINT `fk_operator_actions_product_id` FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`),
  CONSTRAINT `ck_operator_actions_reason` CHECK ((`reason` <> _utf8mb4''))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='anything else that an operator did by a procedure: who, when, why';

CREATE TABLE `operator_keys` (
  `idempotency_key` varchar(255) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'compared byte by byte',
  `procedure_name` varchar(64) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'what was called',
  `parameters` json NOT NULL COMMENT 'and with what, its key left out: an array',
  `product_id` int unsigned DEFAULT NULL COMMENT 'the product that create_product made; NULL: another procedure',
  `account` varchar(288) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'the account that used it first, as USER() names it',
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  PRIMARY KEY (`idempotency_key`),
  KEY `ix_operator_keys_created_at` (`created_at`),
  CONSTRAINT `ck_operator_keys_idempotency_key` CHECK ((`idempotency_key` <> _utf8mb4''))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='a key under which an operator changed something, and what it changed';

CREATE TABLE `orders` (
  `order_id` binary(16) NOT NULL COMMENT 'the id of the hold it came from',
  `order_uuid` char(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (bin_to_uuid(`order_id`)) VIRTUAL,
  `product_id` int unsigned NOT NULL,
  `qty` int NOT NULL,
  `customer_id` varchar(128) COLLATE utf8mb4_0900_bin DEFAULT NULL,
  `idempotency_key` varchar(272) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'compared byte by byte; NULL: none was given, or the sweep made the order',
  `reference` varchar(64) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'the shop''s own order number, compared byte by byte; NULL: none was given',
  `metadata` json DEFAULT NULL COMMENT 'what the shop noted about it: a small object',
  `unit_price_minor` bigint NOT NULL COMMENT 'the price that its hold saw, in minor units',
  `amount_minor` bigint NOT NULL COMMENT 'what is to be paid, in minor units',
  `currency` char(3) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'ISO 4217',
  `status` enum('pending','paid','cancelled','refunded') COLLATE utf8mb4_0900_bin NOT NULL,
  `payment_id` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'the payment that pays it, or paid it before it was refunded',
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  `pay_by` datetime(6) NOT NULL COMMENT 'UTC; an order still pending then is overdue',
  `paid_at` datetime(6) DEFAULT NULL COMMENT 'UTC',
  `accepted_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when an operator took another amount as its price; NULL: it costs qty units',
  `fulfilled_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when its units were handed over; a refund then restocks nothing',
  `closed_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when it was cancelled or refunded',
  `cancelled_as` enum('lapsed','withdrawn') COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'lapsed: not paid; a late payment may take its units back. withdrawn: final',
  `closed_reason` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL,
  PRIMARY KEY (`order_id`),
  UNIQUE KEY `uq_orders_idempotency_key` (`idempotency_key`),
  UNIQUE KEY `uq_orders_reference` (`reference`),
  KEY `ix_orders_product_id_status_pay_by` (`product_id`,`status`,`pay_by`,`qty`),
  KEY `ix_orders_customer_id_order_id` (`customer_id`,`order_id`),
  KEY `ix_orders_status` (`status`),
  CONSTRAINT `fk_orders_product_id` FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`),
  CONSTRAINT `ck_orders_amount_minor` CHECK (((`amount_minor` = (`unit_price_minor` * `qty`)) or ((`accepted_at` is not null) and (`amount_minor` > 0)))),
  CONSTRAINT `ck_orders_cancelled_as` CHECK (((`cancelled_as` is not null) = (`status` = _utf8mb4'cancelled'))),
  CONSTRAINT `ck_orders_closed_at` CHECK (((`closed_at` is null) = (`status` in (_utf8mb4'pending',_utf8mb4'paid')))),
  CONSTRAINT `ck_orders_closed_reason` CHECK (((`closed_at` is null) = (`closed_reason` is null))),
  CONSTRAINT `ck_orders_fulfilled_at` CHECK (((`fulfilled_at` is null) or (`paid_at` is not null))),
  CONSTRAINT `ck_orders_metadata` CHECK ((json_type(`metadata`) = _utf8mb4'OBJECT')),
  CONSTRAINT `ck_orders_paid_at` CHECK (((`paid_at` is not null) = (`status` in (_utf8mb4'paid',_utf8mb4'refunded')))),
  CONSTRAINT `ck_orders_pay_by` CHECK ((`pay_by` > `created_at`)),
  CONSTRAINT `ck_orders_payment_id` CHECK (((`payment_id` is not null) = ((`status` in (_utf8mb4'paid',_utf8mb4'refunded')) and (`amount_minor` > 0)))),
  CONSTRAINT `ck_orders_qty` CHECK ((`qty` >= 1)),
  CONSTRAINT `ck_orders_reference` CHECK ((`reference` <> _utf8mb4''))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='an order; it keeps the id of its hold, so a hold becomes one order and no more';

CREATE TABLE `payment_rules` (
  `order_state` enum('unknown','not_found','held','hold_ended','pending','overdue','contested','paid','fulfilled','lapsed','sold_on','stopped','withdrawn','refunded') COLLATE utf8mb4_0900_bin NOT NULL,
  `payment` enum('matching','mismatched','failed','returned') COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'matching, mismatched: received, of the order''s money or of other; returned: it paid, and all of it goes back',
  `payment_becomes` enum('failed','waiting','paying','due') COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'due is settled when nothing is left of it',
  `outcome` enum('parked','applied','ignored','amount_mismatch','refund_due') COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'what is said of the event that told of it',
  `order_becomes` enum('paid','cancelled','refunded') COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'the order''s new status; NULL: it stays as it is',
  `units` enum('stay','return','take back') COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'return: they go back to sale; take back: when they cannot be, the row of sold_on applies',
  `reason` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'why; kept with the event and the payment, or with the order that it closes',
  PRIMARY KEY (`order_state`,`payment`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='what becomes of a payment and of its order, for each pair of their states; loaded from rules/payment_rules.sql';

CREATE TABLE `payment_webhooks` (
  `webhook_id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `idempotency_key` varchar(255) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'the provider''s id of the event; compared byte by byte',
  `payment_id` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'the payment it is about; NULL: an event that moves none',
  `order_id` binary(16) DEFAULT NULL COMMENT 'as the event names it, or as its payment was found; NULL: no id of ours',
  `order_uuid` char(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (bin_to_uuid(`order_id`)) VIRTUAL,
  `order_ref` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'what the event named as its order, where order_id is another',
  `payment_status` enum('succeeded','declined','failed','refunded','refund_failed','dispute_opened','dispute_won','dispute_lost','other') COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'other: an event that moves no payment',
  `amount_minor` bigint DEFAULT NULL COMMENT 'minor units; NULL: the event named none',
  `currency` char(3) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'ISO 4217; NULL: the event named none',
  `occurred_at` datetime(6) DEFAULT NULL COMMENT 'UTC, by the provider''s clock; kept, never decided by',
  `payload` json DEFAULT NULL COMMENT 'the event as received',
  `outcome` enum('parked','applied','ignored','amount_mismatch','refund_due') COLLATE utf8mb4_0900_bin NOT NULL,
  `reason` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'why it did not do what it asked for',
  `deliveries` int unsigned NOT NULL COMMENT 'how often the provider sent it',
  `first_received_at` datetime(6) NOT NULL COMMENT 'UTC',
  `last_received_at` datetime(6) NOT NULL COMMENT 'UTC',
  `settled_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when its outcome was decided; NULL while parked',
  `reprocessed_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when an operator had it decided anew',
  PRIMARY KEY (`webhook_id`),
  UNIQUE KEY `uq_payment_webhooks_idempotency_key` (`idempotency_key`),
  KEY `ix_payment_webhooks_payment_id` (`payment_id`),
  KEY `ix_payment_webhooks_outcome_first_received_at` (`outcome`,`first_received_at`),
  CONSTRAINT `ck_payment_webhooks_amount_minor` CHECK ((`amount_minor` >= 0)),
  CONSTRAINT `ck_payment_webhooks_deliveries` CHECK ((`deliveries` >= 1)),
  CONSTRAINT `ck_payment_webhooks_idempotency_key` CHECK ((`idempotency_key` <> _utf8mb4'')),
  CONSTRAINT `ck_payment_webhooks_last_received_at` CHECK (((`deliveries` > 1) or (`last_received_at` = `first_received_at`))),
  CONSTRAINT `ck_payment_webhooks_payment_id` CHECK (((`payment_id` is null) = (`payment_status` = _utf8mb4'other'))),
  CONSTRAINT `ck_payment_webhooks_settled_at` CHECK (((`outcome` = _utf8mb4'parked') = (`settled_at` is null)))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='a payment event: what it said, what it did and why, how often it was delivered';

CREATE TABLE `payments` (
  `payment_id` varchar(255) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'the provider''s id; the order''s own where the provider names none',
  `order_id` binary(16) DEFAULT NULL COMMENT 'what it is for; NULL: no event named an id of ours',
  `order_uuid` char(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (bin_to_uuid(`order_id`)) VIRTUAL,
  `state` enum('open','failed','waiting','paying','due','settled') COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'open: nothing received; waiting: received, and its order may still come; due: what is left has to go back; settled: all went back',
  `pays` tinyint(1) GENERATED ALWAYS AS (if((`state` = _utf8mb4'paying'),true,NULL)) VIRTUAL,
  `amount_minor` bigint DEFAULT NULL COMMENT 'what came in, in minor units; NULL: not known',
  `currency` char(3) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'ISO 4217; NULL: not known',
  `refund_told_minor` bigint NOT NULL DEFAULT '0' COMMENT 'the most that went back in all, as a refund event told; 2^63-1: everything',
  `refunds_told` int NOT NULL DEFAULT '0' COMMENT 'how many refund events told of just that amount',
  `refund_failed_minor` bigint NOT NULL DEFAULT '0' COMMENT 'the sum of the refunds that failed; 2^63-1: everything',
  `refunds_failed` int NOT NULL DEFAULT '0' COMMENT 'how many refunds failed',
  `refund_recorded_at` datetime(6) DEFAULT NULL COMMENT 'UTC; an operator recorded a refund of which no event has told yet',
  `returning_minor` bigint GENERATED ALWAYS AS (least(`refund_told_minor`,coalesce(`amount_minor`,0))) VIRTUAL COMMENT 'what was to go back, whether it arrived or not',
  `refunded_minor` bigint GENERATED ALWAYS AS (least(if((`refunds_told` > `refunds_failed`),`refund_told_minor`,greatest((`refund_told_minor` - `refund_failed_minor`),0)),coalesce(`amount_minor`,0))) VIRTUAL COMMENT 'what went back',
  `dispute` enum('opened','won','lost') COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'the customer asked the bank for the money; NULL: never',
  `follow_up` enum('order','refund','purge') COLLATE utf8mb4_0900_bin GENERATED ALWAYS AS ((case when (`state` = _utf8mb4'waiting') then _utf8mb4'order' when ((`state` = _utf8mb4'due') or ((`state` = _utf8mb4'paying') and (`refunded_minor` < `returning_minor`))) then _utf8mb4'refund' when ((`state` <> _utf8mb4'paying') and (`events_purged_at` is null)) then _utf8mb4'purge' end)) VIRTUAL COMMENT 'what is still to come: its order; money that has to go back; nothing, so that its events may be purged in time',
  `reason` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'why it does not pay its order',
  `received_by` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'the key of the event that told of its money',
  `created_at` datetime(6) NOT NULL COMMENT 'UTC; when its first event came',
  `received_at` datetime(6) DEFAULT NULL COMMENT 'UTC',
  `decided_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when its state was decided last',
  `events_purged_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when purge_history deleted its events; NULL: all of them are there',
  PRIMARY KEY (`payment_id`),
  UNIQUE KEY `uq_payments_order_id` (`order_id`,`pays`),
  KEY `ix_payments_follow_up_created_at` (`follow_up`,`created_at`),
  CONSTRAINT `ck_payments_amount_minor` CHECK ((`amount_minor` >= 0)),
  CONSTRAINT `ck_payments_decided_at` CHECK (((`decided_at` is null) = (`state` = _utf8mb4'open'))),
  CONSTRAINT `ck_payments_payment_id` CHECK ((`payment_id` <> _utf8mb4'')),
  CONSTRAINT `ck_payments_received_at` CHECK ((((`received_at` is not null) = (`state` in (_utf8mb4'waiting',_utf8mb4'paying',_utf8mb4'due',_utf8mb4'settled'))) and ((`received_at` is not null) = (`received_by` is not null)) and ((`received_at` is not null) or ((`amount_minor` is null) and (`currency` is null))))),
  CONSTRAINT `ck_payments_refunds` CHECK (((`refund_told_minor` >= 0) and (`refund_failed_minor` >= 0) and (`refunds_failed` >= 0) and ((`refunds_told` > 0) = (`refund_told_minor` > 0)) and ((`refunds_failed` > 0) = (`refund_failed_minor` > 0)))),
  CONSTRAINT `ck_payments_state` CHECK (((`state` <> _utf8mb4'paying') or ((`order_id` is not null) and (`amount_minor` > 0) and (`currency` is not null) and (`reason` is null))))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='a payment, once, whatever events told of it: what came in, what went back, and whether it pays, waits or is due';

CREATE TABLE `products` (
  `product_id` int unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(200) COLLATE utf8mb4_0900_bin NOT NULL,
  `price_minor` bigint NOT NULL COMMENT 'what the next hold of one unit will cost, in minor units of the currency',
  `currency` char(3) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'ISO 4217',
  `stock_total` int NOT NULL COMMENT 'units given to the sale: free, held and sold together',
  `stripes` smallint NOT NULL COMMENT 'rows of stock_stripes that share the free units; 1 is a plain counter',
  `hold_seconds` int NOT NULL DEFAULT '120' COMMENT 'how long a hold keeps its units',
  `payment_seconds` int NOT NULL DEFAULT '900' COMMENT 'how long an order may stay unpaid, and a paid hold without its order',
  `max_per_hold` int NOT NULL DEFAULT '10',
  `max_per_customer` int DEFAULT NULL COMMENT 'over live holds and live orders together; NULL: no limit',
  `max_unpaid_percent` int DEFAULT NULL COMMENT 'share of stock_total that a customer may have in live holds and unpaid orders; NULL: any',
  `pause_seconds` int DEFAULT NULL COMMENT 'how long a customer whose hold or order ended unpaid may not hold again; NULL: no pause',
  `extension_seconds` int DEFAULT NULL COMMENT 'by how much a hold may be extended, once; NULL: not at all',
  `counts_customers` tinyint(1) GENERATED ALWAYS AS (((`max_per_customer` is not null) or (`max_unpaid_percent` is not null) or (`pause_seconds` is not null))) STORED NOT NULL COMMENT 'whether customer_units is kept for this product',
  `sale_starts_at` datetime(6) DEFAULT NULL COMMENT 'UTC; NULL: open from the beginning',
  `sale_ends_at` datetime(6) DEFAULT NULL COMMENT 'UTC; NULL: open until sold out',
  `stopped_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when an operator ended the sale, live holds included; NULL: not stopped',
  `paused_at` datetime(6) DEFAULT NULL COMMENT 'UTC; since when an operator has the sale paused: nothing runs out; NULL: it is not paused',
  `archived_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when it was taken off the list; NULL: it is listed',
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  PRIMARY KEY (`product_id`),
  CONSTRAINT `ck_products_archived_at` CHECK (((`archived_at` is null) or (`stopped_at` is not null))),
  CONSTRAINT `ck_products_currency` CHECK (regexp_like(`currency`,_utf8mb4'^[A-Z]{3}$',_utf8mb4'c')),
  CONSTRAINT `ck_products_extension_seconds` CHECK ((`extension_seconds` between 1 and 86400)),
  CONSTRAINT `ck_products_hold_seconds` CHECK ((`hold_seconds` between 1 and 86400)),
  CONSTRAINT `ck_products_max_per_customer` CHECK ((`max_per_customer` >= 1)),
  CONSTRAINT `ck_products_max_per_hold` CHECK ((`max_per_hold` between 1 and 1000000)),
  CONSTRAINT `ck_products_max_unpaid_percent` CHECK ((`max_unpaid_percent` between 1 and 100)),
  CONSTRAINT `ck_products_name` CHECK ((`name` <> _utf8mb4'')),
  CONSTRAINT `ck_products_pause_seconds` CHECK ((`pause_seconds` between 1 and 2592000)),
  CONSTRAINT `ck_products_payment_seconds` CHECK ((`payment_seconds` between 1 and 2592000)),
  CONSTRAINT `ck_products_price_minor` CHECK ((`price_minor` between 0 and 1000000000000)),
  CONSTRAINT `ck_products_sale_ends_at` CHECK ((`sale_ends_at` > `sale_starts_at`)),
  CONSTRAINT `ck_products_stock_total` CHECK ((`stock_total` >= 0)),
  CONSTRAINT `ck_products_stripes` CHECK ((`stripes` between 1 and 256))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='a product on sale; never written during the sale';

CREATE TABLE `stock_adjustments` (
  `adjustment_id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `product_id` int unsigned NOT NULL,
  `delta` int NOT NULL COMMENT 'units added, or withdrawn when negative',
  `reason` varchar(255) COLLATE utf8mb4_0900_bin NOT NULL,
  `account` varchar(288) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'the account that asked for it, as USER() names it',
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  PRIMARY KEY (`adjustment_id`),
  KEY `ix_stock_adjustments_product_id` (`product_id`),
  CONSTRAINT `fk_stock_adjustments_product_id` FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`),
  CONSTRAINT `ck_stock_adjustments_reason` CHECK ((`reason` <> _utf8mb4''))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='a change of stock_total: who, when, why';

CREATE TABLE `stock_stripes` (
  `product_id` int unsigned NOT NULL,
  `stripe` smallint NOT NULL COMMENT '0 to products.stripes - 1',
  `available` int NOT NULL COMMENT 'free units in this stripe',
  PRIMARY KEY (`product_id`,`stripe`),
  CONSTRAINT `fk_stock_stripes_product_id` FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`),
  CONSTRAINT `ck_stock_stripes_available` CHECK ((`available` >= 0)),
  CONSTRAINT `ck_stock_stripes_stripe` CHECK ((`stripe` >= 0))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='a share of a product''s free units; several rows sell side by side where one would be a queue';

CREATE TABLE `sweep_heartbeat` (
  `run_id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `started_at` datetime(6) NOT NULL COMMENT 'UTC',
  `holds_expired` int NOT NULL,
  `orders_expired` int NOT NULL,
  `orders_made` int NOT NULL COMMENT 'of paid holds that nobody ordered',
  `payments_settled` int NOT NULL COMMENT 'payments that waited for an order that can never come',
  `lag_seconds` decimal(16,6) NOT NULL COMMENT 'how long the oldest of them had been due when the run began',
  PRIMARY KEY (`run_id`),
  KEY `ix_sweep_heartbeat_started_at` (`started_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='one of the last 3,600 runs of the sweep';

CREATE TABLE `webhook_refusals` (
  `refused_on` date NOT NULL COMMENT 'UTC',
  `reason` enum('missing_signature','invalid_signature','stale_timestamp') COLLATE utf8mb4_0900_bin NOT NULL,
  `slot` smallint NOT NULL,
  `refusals` bigint unsigned NOT NULL,
  PRIMARY KEY (`refused_on`,`reason`,`slot`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='how many webhooks the API refused on a day, for one reason';
