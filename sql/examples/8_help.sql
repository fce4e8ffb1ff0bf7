-- What is there? Everything, area by area; then what has to do with a word; then all about one procedure.
CALL help('');
CALL help('refund');
CALL help('create_hold')\G
