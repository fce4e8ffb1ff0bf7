-- A login with the DBA's role, for `make mysql`. Locked until the deployment gives it its password.
CREATE USER IF NOT EXISTS flashsale_operator@'%' DEFAULT ROLE flashsale_dba ACCOUNT LOCK;
GRANT flashsale_dba TO flashsale_operator@'%';
