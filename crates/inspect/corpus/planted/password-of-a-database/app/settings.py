DEBUG = False
DATABASE_URL = "postgresql://reporting:vN7q@@Zt2LxW9r@db1.prod.acme-corp.io:5432/warehouse"
