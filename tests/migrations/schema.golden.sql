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
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='units each customer has, for products with max_per_customer';

CREATE TABLE `hold_history` (
  `hold_id` binary(16) NOT NULL COMMENT 'UUID version 7',
  `hold_uuid` char(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (bin_to_uuid(`hold_id`)) VIRTUAL,
  `product_id` int unsigned NOT NULL,
  `qty` int NOT NULL,
  `customer_id` varchar(128) COLLATE utf8mb4_0900_bin DEFAULT NULL,
  `idempotency_key` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL,
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  `expires_at` datetime(6) NOT NULL COMMENT 'UTC',
  `extended_at` datetime(6) DEFAULT NULL COMMENT 'UTC; NULL: it was not extended',
  `ended_at` datetime(6) NOT NULL COMMENT 'UTC',
  `ended_as` enum('ordered','expired','released') COLLATE utf8mb4_0900_bin NOT NULL,
  PRIMARY KEY (`hold_id`),
  KEY `ix_hold_history_idempotency_key` (`idempotency_key`),
  CONSTRAINT `ck_hold_history_qty` CHECK ((`qty` >= 1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='holds that ended: ordered, expired or released';

CREATE TABLE `holds` (
  `hold_id` binary(16) NOT NULL COMMENT 'UUID version 7',
  `hold_uuid` char(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (bin_to_uuid(`hold_id`)) VIRTUAL,
  `product_id` int unsigned NOT NULL,
  `qty` int NOT NULL,
  `customer_id` varchar(128) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'the shop''s name for the buyer; compared byte by byte',
  `idempotency_key` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'compared byte by byte; NULL: none was given',
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  `expires_at` datetime(6) NOT NULL COMMENT 'UTC; from this instant on the hold is void, swept or not',
  `extended_at` datetime(6) DEFAULT NULL COMMENT 'UTC; a hold is extended once; NULL: it was not',
  PRIMARY KEY (`hold_id`),
  UNIQUE KEY `uq_holds_idempotency_key` (`idempotency_key`),
  KEY `ix_holds_product_id_expires_at` (`product_id`,`expires_at`,`qty`),
  CONSTRAINT `fk_holds_product_id` FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`),
  CONSTRAINT `ck_holds_expires_at` CHECK ((`expires_at` > `created_at`)),
  CONSTRAINT `ck_holds_qty` CHECK ((`qty` >= 1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='live reservations';

CREATE TABLE `operator_actions` (
  `action_id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `action` enum('set_sale_window','set_limits','cancel_order','record_refund','reprocess_webhook') COLLATE utf8mb4_0900_bin NOT NULL,
  `product_id` int unsigned DEFAULT NULL COMMENT 'NULL: not of one product',
  `order_id` binary(16) DEFAULT NULL,
  `order_uuid` char(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (bin_to_uuid(`order_id`)) VIRTUAL,
  `detail` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'what it became',
  `reason` varchar(255) COLLATE utf8mb4_0900_bin NOT NULL,
  `account` varchar(288) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'the account that asked for it, as USER() names it',
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  PRIMARY KEY (`action_id`),
  KEY `ix_operator_actions_product_id` (`product_id`),
  KEY `ix_operator_actions_order_id` (`order_id`),
  CONSTRAINT `fk_operator_actions_product_id` FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`),
  CONSTRAINT `ck_operator_actions_reason` CHECK ((`reason` <> _utf8mb4''))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='what operators did: who, what, why';

CREATE TABLE `orders` (
  `order_id` binary(16) NOT NULL COMMENT 'the id of the hold it came from',
  `order_uuid` char(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (bin_to_uuid(`order_id`)) VIRTUAL,
  `product_id` int unsigned NOT NULL,
  `qty` int NOT NULL,
  `customer_id` varchar(128) COLLATE utf8mb4_0900_bin DEFAULT NULL,
  `idempotency_key` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'compared byte by byte; NULL: none was given',
  `unit_price_minor` bigint NOT NULL COMMENT 'the price at the moment of the order',
  `amount_minor` bigint NOT NULL COMMENT 'what is to be paid, in minor units',
  `currency` char(3) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'ISO 4217',
  `refunded_minor` bigint NOT NULL DEFAULT '0' COMMENT 'given back so far, in minor units',
  `status` enum('pending','paid','cancelled','refund_due','refunded') COLLATE utf8mb4_0900_bin NOT NULL,
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  `pay_by` datetime(6) NOT NULL COMMENT 'UTC; an order still pending then is overdue',
  `paid_at` datetime(6) DEFAULT NULL COMMENT 'UTC',
  `closed_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when it was cancelled, refunded or became due for a refund',
  `closed_reason` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL,
  PRIMARY KEY (`order_id`),
  UNIQUE KEY `uq_orders_idempotency_key` (`idempotency_key`),
  KEY `ix_orders_product_id_status_pay_by` (`product_id`,`status`,`pay_by`,`qty`),
  KEY `ix_orders_customer_id` (`customer_id`),
  CONSTRAINT `fk_orders_product_id` FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`),
  CONSTRAINT `ck_orders_amount_minor` CHECK ((`amount_minor` = (`unit_price_minor` * `qty`))),
  CONSTRAINT `ck_orders_closed_at` CHECK (((`status` in (_utf8mb4'pending',_utf8mb4'paid')) = (`closed_at` is null))),
  CONSTRAINT `ck_orders_paid_at` CHECK ((((`status` <> _utf8mb4'paid') or (`paid_at` is not null)) and ((`status` <> _utf8mb4'pending') or (`paid_at` is null)))),
  CONSTRAINT `ck_orders_pay_by` CHECK ((`pay_by` > `created_at`)),
  CONSTRAINT `ck_orders_qty` CHECK ((`qty` >= 1)),
  CONSTRAINT `ck_orders_refunded_minor` CHECK ((`refunded_minor` between 0 and `amount_minor`))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='orders; each keeps the id of its hold';

CREATE TABLE `payment_rules` (
  `order_state` enum('unknown','held','hold_ended','pending','overdue','paid','cancelled','sold_on','refund_due','refunded') COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'unknown: no hold or order has the id; hold_ended: without an order; overdue: pending past pay_by; sold_on: cancelled, and its units cannot be taken back',
  `event` enum('succeeded','mismatched','failed','refunded','partly_refunded') COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'mismatched: it names another amount or currency than the order',
  `outcome` enum('parked','applied','ignored','amount_mismatch','refund_due') COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'what is said of the event',
  `order_becomes` enum('paid','cancelled','refund_due','refunded') COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'the order''s new status; NULL: it stays as it is',
  `units` enum('stay','return','take back') COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'return: they go back to sale; take back: when they cannot be, the row of sold_on applies',
  `reason` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'why; kept with the event, or with the order that it closes',
  PRIMARY KEY (`order_state`,`event`),
  CONSTRAINT `ck_payment_rules_order_becomes` CHECK (((`order_becomes` is null) or (`outcome` in (_utf8mb4'applied',_utf8mb4'refund_due')))),
  CONSTRAINT `ck_payment_rules_units_return` CHECK (((`units` = _utf8mb4'return') = ((`order_state` in (_utf8mb4'pending',_utf8mb4'overdue',_utf8mb4'paid')) and (0 <> coalesce((`order_becomes` in (_utf8mb4'cancelled',_utf8mb4'refunded')),false))))),
  CONSTRAINT `ck_payment_rules_units_take` CHECK (((`units` = _utf8mb4'take back') = ((`order_state` = _utf8mb4'cancelled') and (0 <> coalesce((`order_becomes` = _utf8mb4'paid'),false)))))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='the state machine of payments: what each event does in each state';

CREATE TABLE `payment_webhooks` (
  `webhook_id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `idempotency_key` varchar(255) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'the provider''s id of the event; compared byte by byte',
  `order_id` binary(16) DEFAULT NULL COMMENT 'NULL: the event names no order',
  `order_uuid` char(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (bin_to_uuid(`order_id`)) VIRTUAL,
  `payment_status` enum('succeeded','failed','refunded','other') COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'other: an event that moves no order',
  `amount_minor` bigint DEFAULT NULL COMMENT 'minor units; NULL: the event named none',
  `currency` char(3) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'ISO 4217; NULL: the event named none',
  `occurred_at` datetime(6) DEFAULT NULL COMMENT 'UTC, by the provider''s clock; kept, never decided by',
  `payload` json DEFAULT NULL COMMENT 'the event as received',
  `outcome` enum('parked','applied','ignored','amount_mismatch','refund_due','refunded') COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'refunded: it was refund_due, and the money went back',
  `reason` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL COMMENT 'why it did not do what it asked for',
  `deliveries` int unsigned NOT NULL COMMENT 'how often the provider sent it',
  `first_received_at` datetime(6) NOT NULL COMMENT 'UTC',
  `last_received_at` datetime(6) NOT NULL COMMENT 'UTC',
  `settled_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when its outcome was decided; NULL while parked',
  `reprocessed_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when an operator had it decided anew',
  PRIMARY KEY (`webhook_id`),
  UNIQUE KEY `uq_payment_webhooks_idempotency_key` (`idempotency_key`),
  KEY `ix_payment_webhooks_order_id` (`order_id`),
  KEY `ix_payment_webhooks_outcome_first_received_at` (`outcome`,`first_received_at`),
  CONSTRAINT `ck_payment_webhooks_amount_minor` CHECK ((`amount_minor` >= 0)),
  CONSTRAINT `ck_payment_webhooks_deliveries` CHECK ((`deliveries` >= 1)),
  CONSTRAINT `ck_payment_webhooks_idempotency_key` CHECK ((`idempotency_key` <> _utf8mb4'')),
  CONSTRAINT `ck_payment_webhooks_order_id` CHECK (((`order_id` is not null) or (`payment_status` = _utf8mb4'other'))),
  CONSTRAINT `ck_payment_webhooks_settled_at` CHECK (((`outcome` = _utf8mb4'parked') = (`settled_at` is null)))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='the inbox of payment events';

CREATE TABLE `products` (
  `product_id` int unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(200) COLLATE utf8mb4_0900_bin NOT NULL,
  `price_minor` bigint NOT NULL COMMENT 'price of one unit, in minor units of the currency',
  `currency` char(3) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'ISO 4217',
  `stock_total` int NOT NULL COMMENT 'units given to the sale: free, held and sold together',
  `stripes` smallint NOT NULL COMMENT 'rows of stock_stripes that share the free units; 1 is a plain counter',
  `hold_seconds` int NOT NULL COMMENT 'how long a hold keeps its units',
  `payment_seconds` int NOT NULL COMMENT 'how long an order may stay unpaid',
  `max_per_hold` int NOT NULL,
  `max_per_customer` int DEFAULT NULL COMMENT 'over live holds and live orders together; NULL: no limit',
  `max_unpaid_percent` int DEFAULT NULL COMMENT 'share of stock_total that a customer may have in live holds and unpaid orders; NULL: any',
  `pause_seconds` int DEFAULT NULL COMMENT 'how long a customer whose hold or order ran out unpaid may not hold again; NULL: no pause',
  `extension_seconds` int DEFAULT NULL COMMENT 'by how much a hold may be extended, once; NULL: not at all',
  `counts_customers` tinyint(1) GENERATED ALWAYS AS (((`max_per_customer` is not null) or (`max_unpaid_percent` is not null) or (`pause_seconds` is not null))) STORED NOT NULL COMMENT 'whether customer_units is kept for this product',
  `sale_starts_at` datetime(6) DEFAULT NULL COMMENT 'UTC; NULL: open from the beginning',
  `sale_ends_at` datetime(6) DEFAULT NULL COMMENT 'UTC; NULL: open until sold out',
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  PRIMARY KEY (`product_id`),
  CONSTRAINT `ck_products_currency` CHECK (regexp_like(`currency`,_utf8mb4'^[A-Z]{3}$',_utf8mb4'c')),
  CONSTRAINT `ck_products_extension_seconds` CHECK ((`extension_seconds` between 1 and 86400)),
  CONSTRAINT `ck_products_hold_seconds` CHECK ((`hold_seconds` between 1 and 86400)),
  CONSTRAINT `ck_products_max_per_customer` CHECK ((`max_per_customer` >= 1)),
  CONSTRAINT `ck_products_max_per_hold` CHECK ((`max_per_hold` between 1 and 1000000)),
  CONSTRAINT `ck_products_max_unpaid_percent` CHECK ((`max_unpaid_percent` between 1 and 100)),
  CONSTRAINT `ck_products_name` CHECK ((`name` <> _utf8mb4'')),
  CONSTRAINT `ck_products_pause_seconds` CHECK ((`pause_seconds` between 1 and 2592000)),
  CONSTRAINT `ck_products_payment_seconds` CHECK ((`payment_seconds` between 1 and 2592000)),
  CONSTRAINT `ck_products_price_minor` CHECK ((`price_minor` between 1 and 1000000000000)),
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
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='changes of stock_total by an operator';

CREATE TABLE `stock_stripes` (
  `product_id` int unsigned NOT NULL,
  `stripe` smallint NOT NULL COMMENT '0 to products.stripes - 1',
  `available` int NOT NULL COMMENT 'free units in this stripe',
  PRIMARY KEY (`product_id`,`stripe`),
  CONSTRAINT `fk_stock_stripes_product_id` FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`),
  CONSTRAINT `ck_stock_stripes_available` CHECK ((`available` >= 0)),
  CONSTRAINT `ck_stock_stripes_stripe` CHECK ((`stripe` >= 0))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='the free units of a product, shared over several rows';

CREATE TABLE `sweep_heartbeat` (
  `run_id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `started_at` datetime(6) NOT NULL COMMENT 'UTC',
  `holds_expired` int NOT NULL,
  `orders_expired` int NOT NULL,
  `payments_settled` int NOT NULL COMMENT 'parked payments whose hold had ended without an order',
  `lag_seconds` decimal(16,6) NOT NULL COMMENT 'how long the oldest of them had been due when the run began',
  PRIMARY KEY (`run_id`),
  KEY `ix_sweep_heartbeat_started_at` (`started_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='the last runs of the sweep';

CREATE TABLE `webhook_refusals` (
  `refused_on` date NOT NULL COMMENT 'UTC',
  `reason` enum('missing_signature','invalid_signature','stale_timestamp') COLLATE utf8mb4_0900_bin NOT NULL,
  `slot` smallint NOT NULL,
  `refusals` bigint unsigned NOT NULL,
  PRIMARY KEY (`refused_on`,`reason`,`slot`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='how many webhooks were refused, a day';
