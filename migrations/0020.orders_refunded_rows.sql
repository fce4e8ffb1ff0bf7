UPDATE orders SET refunded_minor = amount_minor WHERE status = 'refunded';
