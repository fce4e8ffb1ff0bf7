CREATE TABLE `customer_units` (
  `product_id` int unsigned NOT NULL,
  `customer_id` varchar(128) COLLATE utf8mb4_0900_bin NOT NULL,
  `units` int NOT NULL,
  PRIMARY KEY (`product_id`,`customer_id`),
  CONSTRAINT `fk_customer_units_product_id` FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`),
  CONSTRAINT `ck_customer_units_units` CHECK ((`units` >= 0))
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
  PRIMARY KEY (`hold_id`),
  UNIQUE KEY `uq_holds_idempotency_key` (`idempotency_key`),
  KEY `ix_holds_product_id_expires_at` (`product_id`,`expires_at`,`qty`),
  CONSTRAINT `fk_holds_product_id` FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`),
  CONSTRAINT `ck_holds_expires_at` CHECK ((`expires_at` > `created_at`)),
  CONSTRAINT `ck_holds_qty` CHECK ((`qty` >= 1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='live reservations';

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
  `status` enum('pending','paid','cancelled','refund_due','refunded') COLLATE utf8mb4_0900_bin NOT NULL,
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  `pay_by` datetime(6) NOT NULL COMMENT 'UTC; an order still pending then is overdue',
  `paid_at` datetime(6) DEFAULT NULL COMMENT 'UTC',
  `closed_at` datetime(6) DEFAULT NULL COMMENT 'UTC; when it was cancelled, refunded or became due for a refund',
  `closed_reason` varchar(255) COLLATE utf8mb4_0900_bin DEFAULT NULL,
  PRIMARY KEY (`order_id`),
  UNIQUE KEY `uq_orders_idempotency_key` (`idempotency_key`),
  KEY `ix_orders_product_id_status_pay_by` (`product_id`,`status`,`pay_by`,`qty`),
  CONSTRAINT `fk_orders_product_id` FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`),
  CONSTRAINT `ck_orders_amount_minor` CHECK ((`amount_minor` = (`unit_price_minor` * `qty`))),
  CONSTRAINT `ck_orders_closed_at` CHECK (((`status` in (_utf8mb4'pending',_utf8mb4'paid')) = (`closed_at` is null))),
  CONSTRAINT `ck_orders_paid_at` CHECK ((((`status` <> _utf8mb4'paid') or (`paid_at` is not null)) and ((`status` <> _utf8mb4'pending') or (`paid_at` is null)))),
  CONSTRAINT `ck_orders_pay_by` CHECK ((`pay_by` > `created_at`)),
  CONSTRAINT `ck_orders_qty` CHECK ((`qty` >= 1))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='orders; each keeps the id of its hold';

CREATE TABLE `payment_webhooks` (
  `webhook_id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `idempotency_key` varchar(255) COLLATE utf8mb4_0900_bin NOT NULL COMMENT 'the provider''s id of the event; compared byte by byte',
  `order_id` binary(16) NOT NULL,
  `order_uuid` char(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (bin_to_uuid(`order_id`)) VIRTUAL,
  `payment_status` enum('succeeded','failed','refunded') COLLATE utf8mb4_0900_bin NOT NULL,
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
  PRIMARY KEY (`webhook_id`),
  UNIQUE KEY `uq_payment_webhooks_idempotency_key` (`idempotency_key`),
  KEY `ix_payment_webhooks_order_id` (`order_id`),
  KEY `ix_payment_webhooks_outcome_first_received_at` (`outcome`,`first_received_at`),
  CONSTRAINT `ck_payment_webhooks_amount_minor` CHECK ((`amount_minor` >= 0)),
  CONSTRAINT `ck_payment_webhooks_deliveries` CHECK ((`deliveries` >= 1)),
  CONSTRAINT `ck_payment_webhooks_idempotency_key` CHECK ((`idempotency_key` <> _utf8mb4'')),
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
  `sale_starts_at` datetime(6) DEFAULT NULL COMMENT 'UTC; NULL: open from the beginning',
  `sale_ends_at` datetime(6) DEFAULT NULL COMMENT 'UTC; NULL: open until sold out',
  `created_at` datetime(6) NOT NULL COMMENT 'UTC',
  PRIMARY KEY (`product_id`),
  CONSTRAINT `ck_products_currency` CHECK (regexp_like(`currency`,_utf8mb4'^[A-Z]{3}$',_utf8mb4'c')),
  CONSTRAINT `ck_products_hold_seconds` CHECK ((`hold_seconds` between 1 and 86400)),
  CONSTRAINT `ck_products_max_per_customer` CHECK ((`max_per_customer` >= 1)),
  CONSTRAINT `ck_products_max_per_hold` CHECK ((`max_per_hold` between 1 and 1000000)),
  CONSTRAINT `ck_products_name` CHECK ((`name` <> _utf8mb4'')),
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
