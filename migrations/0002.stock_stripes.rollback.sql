DROP TABLE stock_stripes;
