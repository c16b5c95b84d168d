-- The role to which connections of federations and networks change: it may read their views, and no table.
CREATE ROLE outreach_sight NOLOGIN;
GRANT outreach_sight TO outreach;
