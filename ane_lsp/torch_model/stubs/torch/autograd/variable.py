def Variable(data, requires_grad=False, volatile=None):
    return data
