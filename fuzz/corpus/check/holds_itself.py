class A:
    def __init__(self):
        self.me = self
if a:
    x = A()
else:
    x = A()
