UPDATE orders SET refunded_minor = 0;
