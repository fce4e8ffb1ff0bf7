DROP TABLE sweep_heartbeat;
