#!/bin/sh
# A signed payment event with nothing but curl and openssl: order=<its id> secret=whsec_… sh sign.sh
set -e
id=msg_$(date +%s) now=$(date +%s) body="{\"idempotency_key\": \"evt-$order\", \"order_id\": \"$order\", \"status\": \"succeeded\"}"
key=$(printf %s "${secret#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
signature=$(printf %s "$id.$now.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
curl -sw '\n' http://127.0.0.1:8000/api/payments/webhook -H 'Content-Type: application/json' -d "$body" \
  -H "webhook-id: $id" -H "webhook-timestamp: $now" -H "webhook-signature: v1,$signature"
